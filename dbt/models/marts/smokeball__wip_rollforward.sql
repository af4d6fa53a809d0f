{#
  Opening + worked - billed - written off + other = closing, by month and matter. The month before must have an image;
  the first month opens with its first image. Other: edits, deletions, drafts that were undone, and work dated before
  the opening day but entered after it.
#}
with ends as (
    select * from {{ ref('int_smokeball__period_ends') }}
),

opening as (
    select ends.source_relation, ends.month, daily.matter_id, daily.total as opening_amount, 0 as closing_amount, 0 as worked_amount, 0 as billed_amount, 0 as written_off_amount
    from ends
    inner join {{ ref('smokeball__wip_daily') }} as daily
        on daily.source_relation = ends.source_relation and daily.day = ends.opening_day
),

closing as (
    select ends.source_relation, ends.month, daily.matter_id, 0 as opening_amount, daily.total as closing_amount, 0 as worked_amount, 0 as billed_amount, 0 as written_off_amount
    from ends
    inner join {{ ref('smokeball__wip_daily') }} as daily
        on daily.source_relation = ends.source_relation and daily.day = ends.last_day
),

worked as (
    select
        ends.source_relation,
        ends.month,
        entries.matter_id,
        0 as opening_amount,
        0 as closing_amount,
        entries.billable_amount_exc_tax as worked_amount,
        0 as billed_amount,
        0 as written_off_amount
    from ends
    inner join {{ ref('int_smokeball__entries') }} as entries
        on entries.source_relation = ends.source_relation
        and entries.work_date > ends.opening_day and entries.work_date <= ends.last_day
    where entries.entry_state not in ('deleted', 'template', 'non_billable', 'billed_elsewhere')
),

billed as (
    select
        ends.source_relation,
        ends.month,
        entries.matter_id,
        0 as opening_amount,
        0 as closing_amount,
        0 as worked_amount,
        case when entries.entry_state = 'billed' then entries.billable_amount_exc_tax else 0 end as billed_amount,
        case when entries.entry_state = 'written_off_on_bill' then entries.billable_amount_exc_tax else 0 end as written_off_amount
    from ends
    inner join {{ ref('int_smokeball__invoice_amounts') }} as invoices
        on invoices.source_relation = ends.source_relation
        and invoices.issued_date > ends.opening_day and invoices.issued_date <= ends.last_day
        and invoices.is_issued
    inner join {{ ref('int_smokeball__entries') }} as entries
        on {{ smokeball.same('entries', 'invoices', ['invoice_id']) }}
),

movements as (
    select * from opening
    union all
    select * from closing
    union all
    select * from worked
    union all
    select * from billed
)

select
    source_relation,
    month,
    matter_id,
    {{ smokeball.money('sum(opening_amount)') }} as opening_amount,
    {{ smokeball.money('sum(worked_amount)') }} as worked_amount,
    {{ smokeball.money('sum(billed_amount)') }} as billed_amount,
    {{ smokeball.money('sum(written_off_amount)') }} as written_off_amount,
    {{ smokeball.money('sum(closing_amount) - sum(opening_amount) - sum(worked_amount) + sum(billed_amount) + sum(written_off_amount)') }} as other_amount,
    {{ smokeball.money('sum(closing_amount)') }} as closing_amount,
    {{ smokeball.currency() }} as currency
from movements
group by source_relation, month, matter_id
