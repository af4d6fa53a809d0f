{#
  Unpaid amounts of issued invoices by debtor. Two debtors owe equal parts: Smokeball does not say otherwise. The
  first debtor has the remaining cents.
#}
with invoices as (
    select * from {{ ref('smokeball__invoices') }} where is_issued and unpaid_amount <> 0
),

debtors as (
    select
        invoices.source_relation,
        invoices.invoice_id,
        invoices.matter_id,
        coalesce(debtors.debtor_number, 1) as debtor_number,
        coalesce(debtors.debtors, 1) as debtors,
        debtors.contact_id
    from invoices
    left join {{ ref('stg_smokeball__invoice_debtors') }} as debtors
        on {{ smokeball.same('debtors', 'invoices', ['invoice_id']) }}
),

owed as (
    select
        invoices.*,
        debtors.contact_id,
        debtors.debtor_number,
        debtors.debtors,
        case
            when debtors.debtor_number = 1
                then invoices.unpaid_amount - (debtors.debtors - 1) * {{ smokeball.money('invoices.unpaid_amount / debtors.debtors') }}
            else {{ smokeball.money('invoices.unpaid_amount / debtors.debtors') }}
        end as owed_amount,
        case
            when debtors.debtor_number = 1
                then invoices.unpaid_exc_tax_amount - (debtors.debtors - 1) * {{ smokeball.money('invoices.unpaid_exc_tax_amount / debtors.debtors') }}
            else {{ smokeball.money('invoices.unpaid_exc_tax_amount / debtors.debtors') }}
        end as owed_exc_tax_amount
    from invoices
    inner join debtors on {{ smokeball.same('debtors', 'invoices', ['invoice_id']) }}
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
    owed.issued_date,
    owed.due_date,
    coalesce(owed.days_overdue, 0) as days_overdue,
    {{ smokeball.age_range('coalesce(owed.days_overdue, 0)', smokeball.overdue_ages()) }} as age_range,
    owed.owed_amount < 0 as is_credit,
    {{ smokeball.money('owed.owed_amount') }} as owed_amount,
    {{ smokeball.money('owed.owed_exc_tax_amount') }} as owed_exc_tax_amount
from owed
left join {{ ref('smokeball__matters') }} as matters on {{ smokeball.same('matters', 'owed', ['matter_id']) }}
left join {{ ref('int_smokeball__contacts') }} as debtors
    on debtors.source_relation = owed.source_relation and debtors.contact_id = owed.contact_id
