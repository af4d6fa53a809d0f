{#
  Unpaid amounts of issued invoices by debtor: int_smokeball__debtor_shares says who owes which part. The first debtor
  has the remaining cents.
#}
with invoices as (
    select * from {{ ref('smokeball__invoices') }} where is_issued and unpaid_amount <> 0
),

shared as (
    select
        invoices.*,
        coalesce(debtors.debtor_number, 1) as debtor_number,
        coalesce(debtors.debtors, 1) as debtors,
        debtors.contact_id,
        coalesce(debtors.share, 1) as debtor_share
    from invoices
    left join {{ ref('int_smokeball__debtor_shares') }} as debtors
        on {{ smokeball.same('debtors', 'invoices', ['invoice_id']) }}
),

parts as (
    select
        *,
        {{ smokeball.money('unpaid_amount * debtor_share') }} as part,
        {{ smokeball.money('unpaid_exc_tax_amount * debtor_share') }} as part_exc_tax
    from shared
),

owed as (
    select
        *,
        part + case when debtor_number = 1
            then unpaid_amount - sum(part) over (partition by source_relation, invoice_id) else 0 end as owed_amount,
        part_exc_tax + case when debtor_number = 1
            then unpaid_exc_tax_amount - sum(part_exc_tax) over (partition by source_relation, invoice_id) else 0 end
            as owed_exc_tax_amount
    from parts
)

select
    owed.source_relation,
    {{ smokeball.as_of() }} as as_of,
    owed.invoice_id,
    owed.invoice_number,
    owed.matter_id,
    matters.matter_number,
    matters.title,
    matters.status as matter_status,
    matters.practice_area,
    matters.person_responsible_id,
    matters.person_responsible,
    matters.client_id,
    matters.client_name,
    owed.contact_id as debtor_id,
    debtors.contact_name as debtor_name,
    owed.debtor_number,
    owed.debtors,
    owed.debtor_share,
    owed.issued_date,
    owed.due_date,
    coalesce(owed.days_overdue, 0) as days_overdue,
    {{ smokeball.age_range('coalesce(owed.days_overdue, 0)', smokeball.overdue_ages()) }} as age_range,
    owed.owed_amount < 0 as is_credit,
    {{ smokeball.money('owed.owed_amount') }} as owed_amount,
    {{ smokeball.money('owed.owed_exc_tax_amount') }} as owed_exc_tax_amount,
    {{ smokeball.currency('owed.source_relation') }} as currency
from owed
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'owed', ['matter_id']) }}
left join {{ ref('int_smokeball__contacts') }} as debtors
    on debtors.source_relation = owed.source_relation and debtors.contact_id = owed.contact_id
