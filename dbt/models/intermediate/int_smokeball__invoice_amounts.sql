{#
  The amounts of each invoice, apart: fees, costs, tax, surcharge, interest.

  A discount is for fees (Smokeball's help); what exceeds them is taken off the costs. `writtenOff` may exceed the
  entries that are written off: the rest is a loss in collection, not in billing. The tax in an unpaid amount is pro
  rata of what was payable, after discount and write-off.
#}
with invoices as (
    select
        invoices.*,
        coalesce(matters.is_deleted, false) or coalesce(matters.is_template, false) as is_matter_excluded
    from {{ ref('stg_smokeball__invoices') }} as invoices
    left join {{ ref('stg_smokeball__matters') }} as matters
        on {{ smokeball.same('matters', 'invoices', ['matter_id']) }}
),

parts as (
    select
        source_relation,
        invoice_id,
        matter_id,
        invoice_number,
        status,
        is_waived,
        issued_date,
        due_date,
        paid_date,
        loaded_at,
        status in (1, 2) and not is_deleted and not is_matter_excluded as is_issued,
        status = 0 and not is_deleted and not is_matter_excluded as is_draft,
        total is not null as has_totals,
        coalesce(fee_total, 0) as fee_amount,
        coalesce(expense_total, 0) as cost_amount,
        coalesce(written_off_fee_total, 0) as written_off_fee_amount,
        coalesce(written_off_expense_total, 0) as written_off_cost_amount,
        coalesce(written_off_amount, 0)
            - coalesce(written_off_fee_total, 0) - coalesce(written_off_expense_total, 0) as other_written_off_amount,
        coalesce(tax_amount, 0) as tax_amount,
        coalesce(interest_amount, 0) as interest_amount,
        coalesce(total, 0) as total_amount,
        coalesce(total, 0) - coalesce(billed_amount, 0) - coalesce(tax_amount, 0) - coalesce(interest_amount, 0)
            as total_surcharge_amount,
        coalesce(discount_amount, 0) as total_discount_amount,
        coalesce(paid_amount, 0) as paid_amount,
        coalesce(waived_amount, 0) as waived_amount,
        coalesce(unpaid_amount, 0) as unpaid_amount,
        coalesce(unpaid_exc_interest_amount, unpaid_amount, 0) as unpaid_exc_interest_amount,
        discount_type,
        coalesce(discount_fixed_discount, 0) as fixed_discount,
        coalesce(discount_percentage, 0) as discount_percentage,
        coalesce(surcharge_type, 0) as surcharge_type,
        coalesce(surcharge_fixed_surcharge, 0) as fixed_surcharge,
        coalesce(surcharge_percentage, 0) as surcharge_percentage,
        coalesce(surcharge_apply_to, 0) as surcharge_apply_to
    from invoices
),

adjusted as (
    select
        *,
        {# The totals of a draft may not have its discount and surcharge yet; then its settings count. #}
        case
            when total_discount_amount <> 0 or not is_draft then total_discount_amount
            when discount_type = 1 then {{ smokeball.money('(fee_amount - written_off_fee_amount) * discount_percentage / 100') }}
            else fixed_discount
        end as discount_amount,
        case
            when total_surcharge_amount <> 0 or not is_draft then total_surcharge_amount
            when surcharge_type = 1 then fixed_surcharge
            when surcharge_type = 2 then {{ smokeball.money(
                "((case when surcharge_apply_to in (1, 3) then fee_amount - written_off_fee_amount else 0 end)"
                ~ " + (case when surcharge_apply_to in (2, 3) then cost_amount - written_off_cost_amount else 0 end))"
                ~ " * surcharge_percentage / 100") }}
            else 0
        end as surcharge_amount
    from parts
),

discounted as (
    select
        *,
        least(discount_amount, greatest(fee_amount - written_off_fee_amount, 0)) as fee_discount_amount
    from adjusted
),

netted as (
    select
        *,
        discount_amount - fee_discount_amount as cost_discount_amount,
        fee_amount - written_off_fee_amount - fee_discount_amount as net_fee_amount,
        cost_amount - written_off_cost_amount - (discount_amount - fee_discount_amount) as net_cost_amount,
        total_amount - interest_amount - discount_amount - written_off_fee_amount - written_off_cost_amount
            as payable_amount
    from discounted
)

select
    source_relation,
    invoice_id,
    matter_id,
    invoice_number,
    status,
    is_issued,
    is_draft,
    is_waived,
    has_totals,
    issued_date,
    {{ smokeball.month_of('issued_date') }} as issued_month,
    due_date,
    paid_date,
    loaded_at,
    {{ smokeball.money('fee_amount') }} as fee_amount,
    {{ smokeball.money('cost_amount') }} as cost_amount,
    {{ smokeball.money('written_off_fee_amount') }} as written_off_fee_amount,
    {{ smokeball.money('written_off_cost_amount') }} as written_off_cost_amount,
    {{ smokeball.money('other_written_off_amount') }} as other_written_off_amount,
    {{ smokeball.money('discount_amount') }} as discount_amount,
    {{ smokeball.money('fee_discount_amount') }} as fee_discount_amount,
    {{ smokeball.money('cost_discount_amount') }} as cost_discount_amount,
    {{ smokeball.money('net_fee_amount') }} as net_fee_amount,
    {{ smokeball.money('net_cost_amount') }} as net_cost_amount,
    {{ smokeball.money('surcharge_amount') }} as surcharge_amount,
    {{ smokeball.money('tax_amount') }} as tax_amount,
    {{ smokeball.money('interest_amount') }} as interest_amount,
    {{ smokeball.money('total_amount') }} as total_amount,
    {{ smokeball.money('payable_amount') }} as payable_amount,
    {{ smokeball.money('paid_amount') }} as paid_amount,
    {{ smokeball.money('case when paid_amount > payable_amount and interest_amount > 0 then payable_amount else paid_amount end') }}
        as paid_exc_interest_amount,
    {{ smokeball.money('waived_amount') }} as waived_amount,
    {{ smokeball.money('unpaid_amount') }} as unpaid_amount,
    {{ smokeball.money('unpaid_exc_interest_amount') }} as unpaid_exc_interest_amount,
    {{ smokeball.money(
        'case when payable_amount = 0 then 0 else unpaid_exc_interest_amount * (1 - tax_amount / nullif(payable_amount, 0)) end') }} as unpaid_exc_tax_amount
from netted
