{#
  Each fee and expense in one state. A matter or invoice that is not loaded is not known to be deleted; an entry on an
  invoice that is not loaded is orphaned: neither work in progress nor billed.

  A later run converts only the entries that changed, or whose matter or invoice changed: it compares the versions of
  the rows that an entry was made of with those of today, so late rows and deleted rows count, too. Without times of
  loading, all entries are converted again.
#}
{{ config(
    materialized='incremental',
    unique_key=['source_relation', 'entry_id'],
    on_schema_change='fail',
    post_hook='{{ smokeball.delete_vanished_entries() }}'
) }}
{#- Without a connection, nothing says whether the table exists. #}
{%- set is_update = not var('smokeball__introspect') or is_incremental() %}
with versions as (
    select source_relation, fee_id as entry_id, matter_id, invoice_id, {{ smokeball.version_of('fees') }} as entry_version
    from {{ ref('stg_smokeball__fees') }} as fees
    union all
    select source_relation, expense_id as entry_id, matter_id, invoice_id, {{ smokeball.version_of('expenses') }} as entry_version
    from {{ ref('stg_smokeball__expenses') }} as expenses
),

current_versions as (
    select
        versions.source_relation,
        versions.entry_id,
        versions.entry_version,
        case when matters.matter_id is null then {{ smokeball.no_version() }} else {{ smokeball.version_of('matters') }} end
            as matter_version,
        case when invoices.invoice_id is null then {{ smokeball.no_version() }} else {{ smokeball.version_of('invoices') }} end
            as invoice_version
    from versions
    left join {{ ref('stg_smokeball__matters') }} as matters
        on {{ smokeball.same('matters', 'versions', ['matter_id']) }}
    left join {{ ref('stg_smokeball__invoices') }} as invoices
        on {{ smokeball.same('invoices', 'versions', ['invoice_id']) }}
),

changed as (
    select current_versions.*
    from current_versions
    {%- if is_update %}
    left join {{ this }} as known on {{ smokeball.same('known', 'current_versions', ['entry_id']) }}
        {%- for name in ['entry', 'matter', 'invoice'] %}
        and known.{{ name }}_version = current_versions.{{ name }}_version
        {%- endfor %}
    where known.entry_id is null
    {%- endif %}
),

items as (
    select
        source_relation,
        fee_id,
        cast(sum(duration_minutes) as {{ dbt.type_bigint() }}) as item_minutes,
        cast(sum(case when is_billable then duration_minutes else 0 end) as {{ dbt.type_bigint() }}) as billable_item_minutes
    from {{ ref('stg_smokeball__fee_source_items') }}
    {%- if is_update %}
    where fee_id in (select entry_id from changed)
    {%- endif %}
    group by source_relation, fee_id
),

entries as (
    select
        fees.source_relation,
        fees.fee_id as entry_id,
        'fee' as entry_kind,
        fees.matter_id,
        fees.staff_id,
        fees.invoice_id,
        fees.fee_date as work_date,
        fees.created_at,
        fees.activity_code,
        fees.subject,
        cast(null as {{ dbt.type_string() }}) as cost_type,
        coalesce(fees.fee_type, 1) = 1 as is_time,
        case when coalesce(fees.fee_type, 1) = 1 then coalesce(fees.duration_minutes, 0) else 0 end as minutes,
        case
            when coalesce(fees.fee_type, 1) <> 1 or not fees.is_billable then 0
            when items.item_minutes > 0 then items.billable_item_minutes
            else coalesce(fees.duration_minutes, 0)
        end as billable_minutes,
        case
            when coalesce(fees.fee_type, 1) = 1 then coalesce(fees.worked_minutes, fees.duration_minutes, 0)
            else 0
        end as worked_minutes,
        fees.rate,
        coalesce(fees.amount_exc_tax, 0) as amount_exc_tax,
        case when fees.is_billable then coalesce(fees.billable_amount_exc_tax, fees.amount_exc_tax, 0) else 0 end
            as billable_amount_exc_tax,
        fees.is_billable,
        fees.is_written_off,
        fees.is_invoiced_externally,
        fees.is_deleted,
        fees.loaded_at
    from {{ ref('stg_smokeball__fees') }} as fees
    left join items on {{ smokeball.same('items', 'fees', ['fee_id']) }}
    union all
    select
        source_relation,
        expense_id as entry_id,
        'expense' as entry_kind,
        matter_id,
        staff_id,
        invoice_id,
        expense_date as work_date,
        cast(null as {{ smokeball.type_timestamp() }}) as created_at,
        activity_code,
        subject,
        cost_type,
        false as is_time,
        0 as minutes,
        0 as billable_minutes,
        0 as worked_minutes,
        price as rate,
        coalesce(amount_exc_tax, 0) as amount_exc_tax,
        case when is_billable then coalesce(amount_exc_tax, 0) else 0 end as billable_amount_exc_tax,
        is_billable,
        is_written_off,
        is_invoiced_externally,
        is_deleted,
        loaded_at
    from {{ ref('stg_smokeball__expenses') }}
)

select
    entries.source_relation,
    entries.entry_id,
    entries.entry_kind,
    entries.matter_id,
    entries.staff_id,
    entries.invoice_id,
    entries.work_date,
    {{ smokeball.month_of('entries.work_date') }} as work_month,
    entries.created_at,
    entries.activity_code,
    entries.subject,
    entries.cost_type,
    entries.is_time,
    entries.minutes,
    entries.billable_minutes,
    entries.worked_minutes,
    entries.rate,
    {{ smokeball.money('entries.amount_exc_tax') }} as amount_exc_tax,
    {{ smokeball.money('entries.billable_amount_exc_tax') }} as billable_amount_exc_tax,
    entries.is_billable,
    entries.is_written_off,
    invoices.status as invoice_status,
    case
        when entries.is_deleted or coalesce(matters.is_deleted, false) then 'deleted'
        when coalesce(matters.is_template, false) then 'template'
        when not entries.is_billable then 'non_billable'
        when entries.is_invoiced_externally then 'billed_elsewhere'
        when entries.invoice_id is not null and invoices.invoice_id is null then 'orphaned'
        when invoices.status in (1, 2) and entries.is_written_off then 'written_off_on_bill'
        when invoices.status in (1, 2) then 'billed'
        when entries.is_written_off then 'written_off_unbilled'
        when invoices.status = 0 then 'on_draft'
        else 'wip'
    end as entry_state,
    entries.loaded_at,
    changed.entry_version,
    changed.matter_version,
    changed.invoice_version
from changed
inner join entries on {{ smokeball.same('entries', 'changed', ['entry_id']) }}
left join {{ ref('stg_smokeball__matters') }} as matters
    on {{ smokeball.same('matters', 'entries', ['matter_id']) }}
left join {{ ref('stg_smokeball__invoices') }} as invoices
    on {{ smokeball.same('invoices', 'entries', ['invoice_id']) }}
