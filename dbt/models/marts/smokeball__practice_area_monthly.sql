-- The fee waterfall by practice area and month of the work, with the share of billable fees that was written off.
with sums as (
    select
        source_relation,
        month,
        coalesce(practice_area, '(none)') as practice_area,
        count(distinct matter_id) as matters,
        sum(recorded_amount) as recorded_amount,
        sum(non_billable_amount) as non_billable_amount,
        sum(wip_amount) as wip_amount,
        sum(written_off_unbilled_amount + written_off_on_bill_amount) as written_off_amount,
        sum(billed_amount) as billed_amount,
        sum(collected_amount) as collected_amount
    from {{ ref('smokeball__fee_waterfall_monthly') }}
    group by source_relation, month, coalesce(practice_area, '(none)')
)

select
    source_relation,
    month,
    practice_area,
    matters,
    recorded_amount,
    non_billable_amount,
    wip_amount,
    written_off_amount,
    {{ smokeball.money('billed_amount') }} as billed_amount,
    {{ smokeball.money('collected_amount') }} as collected_amount,
    {{ smokeball.ratio('written_off_amount', '(recorded_amount - non_billable_amount)') }} as written_off_share,
    {{ smokeball.currency() }} as currency
from sums
