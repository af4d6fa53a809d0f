-- The rights of the tap on the inbox: none on the keys.
GRANT SELECT ON inbox_events, inbox_firms, inbox_subscriptions, inbox_readers TO tap;
GRANT INSERT ON inbox_events TO tap;
GRANT INSERT, UPDATE ON inbox_readers TO tap;
GRANT SELECT, INSERT, UPDATE ON inbox_runs TO tap;
GRANT UPDATE (is_alive, checked, event_types) ON inbox_subscriptions TO tap;
