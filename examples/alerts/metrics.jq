# Turns a run summary into metrics in the text format of Prometheus: jq -r --arg firm NAME -f metrics.jq
def text: to_entries | map("\(.key)=\(.value | tojson)") | join(",");
def metric(name; labels): "\(name){\(labels | text)} \(.)";
def seconds: sub("\\.[0-9]+Z$"; "Z") | fromdateiso8601;

{firm: $firm} as $of_firm
| (.exit_status | metric("smokeball_run_exit_status"; $of_firm)),
  ((if .complete then 1 else 0 end) | metric("smokeball_run_complete"; $of_firm)),
  (((.started_at | seconds) + .duration_seconds | floor)
    | metric("smokeball_run_end_timestamp_seconds"; $of_firm)),
  (.duration_seconds | metric("smokeball_run_duration_seconds"; $of_firm)),
  (.requests | metric("smokeball_run_requests"; $of_firm)),
  (.requests_per_second | metric("smokeball_run_requests_per_second"; $of_firm)),
  ({"429": 0} + .retries_by_cause | to_entries[]
    | .key as $cause | .value | metric("smokeball_run_retries"; $of_firm + {cause: $cause})),
  (.refresh_token_expires_at // empty | seconds
    | metric("smokeball_refresh_token_expiry_timestamp_seconds"; $of_firm)),
  (.streams | to_entries[] | ($of_firm + {stream: .key}) as $of_stream | .value
    | ((if .status == "failed" then 1 else 0 end) | metric("smokeball_stream_failed"; $of_stream)),
      (.bookmark // empty | seconds
        | metric("smokeball_stream_bookmark_timestamp_seconds"; $of_stream)),
      (.unread_parents | metric("smokeball_stream_unread_parents"; $of_stream)),
      (.kept_fields + .dropped_fields | length
        | metric("smokeball_stream_unknown_fields"; $of_stream)),
      (.rejected_values | add // 0 | metric("smokeball_stream_rejected_values"; $of_stream)))
