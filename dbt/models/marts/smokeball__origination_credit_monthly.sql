-- Billed and collected fees by who originated the matter, by month of the work. Staff id null: nobody is named.
select
    fees.source_relation,
    fees.month,
    shares.staff_id,
    timekeepers.staff_name,
    count(distinct fees.matter_id) as matters,
    {{ smokeball.money('sum(fees.billed_amount * coalesce(shares.share, 1))') }} as billed_credit,
    {{ smokeball.money('sum(fees.collected_amount * coalesce(shares.share, 1))') }} as collected_credit,
    {{ smokeball.currency('fees.source_relation') }} as currency
from {{ ref('smokeball__fee_waterfall_monthly') }} as fees
left join {{ ref('int_smokeball__origination_shares') }} as shares on {{ smokeball.same('shares', 'fees', ['matter_id']) }}
left join {{ ref('int_smokeball__timekeepers') }} as timekeepers on {{ smokeball.same('timekeepers', 'shares', ['staff_id']) }}
group by fees.source_relation, fees.month, shares.staff_id, timekeepers.staff_name
