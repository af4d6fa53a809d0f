{#
  Billing realization and collection by the month of issue, and cash by the month of receipt. Fees apart from costs.
  Non-billable time is in no denominator; its share is shown by the month of the work. A month without invoices has no
  rates, and a month that is too young has no collection rate.
#}
with invoiced as (
    select
        source_relation,
        issued_month as month,
        count(*) as invoices,
        count(case when not has_totals then 1 end) as invoices_without_totals,
        sum(fee_amount) as fee_amount,
        sum(written_off_fee_amount) as written_off_fee_amount,
        sum(fee_discount_amount) as fee_discount_amount,
        sum(net_fee_amount) as net_fee_amount,
        sum(net_cost_amount) as net_cost_amount,
        sum(tax_amount) as tax_amount,
        sum(interest_amount) as interest_amount,
        sum(payable_amount) as payable_amount,
        sum(paid_exc_interest_amount) as paid_amount,
        sum(paid_by_credit_amount) as paid_by_credit_amount,
        sum(waived_amount + other_written_off_amount) as lost_after_billing_amount,
        sum(unpaid_exc_interest_amount) as unpaid_amount,
        sum(case when days_since_issue >= {{ var('smokeball__collection_days') }} then payable_amount else 0 end) as mature_payable_amount,
        sum(case when days_since_issue >= {{ var('smokeball__collection_days') }} then paid_exc_interest_amount - paid_by_credit_amount else 0 end)
            as mature_collected_amount,
        count(case when days_since_issue >= {{ var('smokeball__collection_days') }} then 1 end) as mature_invoices
    from {{ ref('smokeball__invoices') }}
    where is_issued
    group by source_relation, issued_month
),

recorded as (
    select
        invoices.source_relation,
        invoices.issued_month as month,
        sum(entries.billable_amount_exc_tax) as recorded_fee_amount
    from {{ ref('int_smokeball__entries') }} as entries
    inner join {{ ref('int_smokeball__invoice_amounts') }} as invoices
        on {{ smokeball.same('invoices', 'entries', ['invoice_id']) }}
    where entries.entry_kind = 'fee' and entries.entry_state in ('billed', 'written_off_on_bill') and invoices.is_issued
        and invoices.has_totals
    group by invoices.source_relation, invoices.issued_month
),

worked as (
    select
        source_relation,
        work_month as month,
        sum(amount_exc_tax) as worked_amount,
        {{ smokeball.sum_if("entry_state = 'non_billable'", 'amount_exc_tax') }}
            + {{ smokeball.sum_if("entry_state <> 'non_billable'", 'amount_exc_tax - billable_amount_exc_tax') }} as non_billable_amount,
        {{ smokeball.sum_if("entry_state = 'written_off_unbilled'", 'billable_amount_exc_tax') }} as written_off_unbilled_amount
    from {{ ref('int_smokeball__entries') }}
    where entry_kind = 'fee' and entry_state not in ('deleted', 'template')
    group by source_relation, work_month
),

received as (
    select
        source_relation,
        received_month as month,
        sum(cash_amount) as cash_amount,
        sum(credit_amount) as credit_amount,
        sum(case when is_credit then 0 else fee_amount end) as cash_fee_amount,
        sum(case when is_credit then 0 else cost_amount end) as cash_cost_amount,
        sum(case when is_credit then 0 else tax_amount end) as cash_tax_amount
    from {{ ref('smokeball__receipts') }}
    group by source_relation, received_month
),

months as (
    select source_relation, month from invoiced
    union all
    select source_relation, month from worked
    union all
    select source_relation, month from received
),

all_months as (
    select distinct source_relation, month from months
)

select
    all_months.source_relation,
    all_months.month,
    coalesce(invoiced.invoices, 0) as invoices,
    coalesce(invoiced.invoices_without_totals, 0) as invoices_without_totals,
    {{ smokeball.money('coalesce(recorded.recorded_fee_amount, 0)') }} as recorded_fee_amount,
    {{ smokeball.money('coalesce(worked.written_off_unbilled_amount, 0)') }} as written_off_unbilled_amount,
    {{ smokeball.money('coalesce(invoiced.fee_amount, 0)') }} as fee_amount,
    {{ smokeball.money('coalesce(invoiced.written_off_fee_amount, 0)') }} as written_off_fee_amount,
    {{ smokeball.money('coalesce(invoiced.fee_discount_amount, 0)') }} as fee_discount_amount,
    {{ smokeball.money('coalesce(invoiced.net_fee_amount, 0)') }} as net_fee_amount,
    {{ smokeball.money('coalesce(invoiced.net_cost_amount, 0)') }} as net_cost_amount,
    {{ smokeball.money('coalesce(invoiced.tax_amount, 0)') }} as tax_amount,
    {{ smokeball.money('coalesce(invoiced.interest_amount, 0)') }} as interest_amount,
    {{ smokeball.ratio(
        'invoiced.net_fee_amount', '(coalesce(recorded.recorded_fee_amount, 0) + coalesce(worked.written_off_unbilled_amount, 0))') }}
        as realization,
    {{ smokeball.money('coalesce(worked.worked_amount, 0)') }} as worked_amount,
    {{ smokeball.money('coalesce(worked.non_billable_amount, 0)') }} as non_billable_amount,
    {{ smokeball.ratio('worked.non_billable_amount', 'worked.worked_amount') }} as non_billable_share,
    {{ smokeball.money('coalesce(invoiced.payable_amount, 0)') }} as payable_amount,
    {{ smokeball.money('coalesce(invoiced.paid_amount, 0)') }} as paid_amount,
    {{ smokeball.money('coalesce(invoiced.paid_by_credit_amount, 0)') }} as paid_by_credit_amount,
    {{ smokeball.money('coalesce(invoiced.lost_after_billing_amount, 0)') }} as lost_after_billing_amount,
    {{ smokeball.money('coalesce(invoiced.unpaid_amount, 0)') }} as unpaid_amount,
    coalesce(invoiced.mature_invoices, 0) as mature_invoices,
    {{ smokeball.money('coalesce(invoiced.mature_payable_amount, 0)') }} as mature_payable_amount,
    {{ smokeball.money('coalesce(invoiced.mature_collected_amount, 0)') }} as mature_collected_amount,
    {{ smokeball.ratio('invoiced.mature_collected_amount', 'invoiced.mature_payable_amount') }} as collection_rate,
    {{ smokeball.money('coalesce(received.cash_amount, 0)') }} as cash_amount,
    {{ smokeball.money('coalesce(received.credit_amount, 0)') }} as credit_amount,
    {{ smokeball.money('coalesce(received.cash_fee_amount, 0)') }} as cash_fee_amount,
    {{ smokeball.money('coalesce(received.cash_cost_amount, 0)') }} as cash_cost_amount,
    {{ smokeball.money('coalesce(received.cash_tax_amount, 0)') }} as cash_tax_amount,
    {{ smokeball.currency('all_months.source_relation') }} as currency
from all_months
left join invoiced
    on invoiced.source_relation = all_months.source_relation
    and (invoiced.month = all_months.month or (invoiced.month is null and all_months.month is null))
left join recorded
    on recorded.source_relation = all_months.source_relation
    and (recorded.month = all_months.month or (recorded.month is null and all_months.month is null))
left join worked on {{ smokeball.same('worked', 'all_months', ['month']) }}
left join received on {{ smokeball.same('received', 'all_months', ['month']) }}
