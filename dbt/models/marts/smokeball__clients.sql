-- Contacts that are the first client of a matter or a debtor, with what they have open.
with matters as (
    select source_relation, client_id as contact_id, count(*) as matters,
        count(case when is_active then 1 end) as active_matters, min(opened_date) as first_opened_date
    from {{ ref('smokeball__matters') }}
    where client_id is not null and not is_template and not is_deleted
    group by source_relation, client_id
),

debtors as (
    select source_relation, debtor_id as contact_id,
        sum(owed_amount) as owed_amount,
        sum(case when days_overdue > 0 and not is_credit then owed_amount else 0 end) as overdue_amount,
        max(case when owed_amount > 0 then days_overdue end) as most_days_overdue,
        count(distinct invoice_id) as unpaid_invoices
    from {{ ref('smokeball__ar_ageing') }}
    where debtor_id is not null
    group by source_relation, debtor_id
),

keys as (
    select source_relation, contact_id from matters
    union all
    select source_relation, contact_id from debtors
),

contacts as (
    select distinct source_relation, contact_id from keys
)

select
    contacts.source_relation,
    contacts.contact_id,
    names.contact_name,
    names.contact_kind,
    coalesce(names.is_deleted, false) as is_deleted,
    coalesce(matters.matters, 0) as matters,
    coalesce(matters.active_matters, 0) as active_matters,
    matters.first_opened_date,
    coalesce(debtors.unpaid_invoices, 0) as unpaid_invoices,
    coalesce(debtors.owed_amount, 0) as owed_amount,
    coalesce(debtors.overdue_amount, 0) as overdue_amount,
    debtors.most_days_overdue,
    {{ smokeball.currency('contacts.source_relation') }} as currency
from contacts
left join {{ ref('int_smokeball__contacts') }} as names on {{ smokeball.same('names', 'contacts', ['contact_id']) }}
left join matters on {{ smokeball.same('matters', 'contacts', ['contact_id']) }}
left join debtors on {{ smokeball.same('debtors', 'contacts', ['contact_id']) }}
