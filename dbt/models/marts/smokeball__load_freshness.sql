-- Generated from the catalog by `make docs`.
-- A stream without changes has old rows: the tap's runs say until when its rows are complete.
with loaded as (
    select source_relation, 'firm' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__firm') }} group by source_relation
    union all
    select source_relation, 'staff' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__staff') }} group by source_relation
    union all
    select source_relation, 'firm_users' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__firm_users') }} group by source_relation
    union all
    select source_relation, 'users' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__users') }} group by source_relation
    union all
    select source_relation, 'groups' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__groups') }} group by source_relation
    union all
    select source_relation, 'webhook_subscriptions' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__webhook_subscriptions') }} group by source_relation
    union all
    select source_relation, 'contacts' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__contacts') }} group by source_relation
    union all
    select source_relation, 'contact_relations' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__contact_relations') }} group by source_relation
    union all
    select source_relation, 'matters' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__matters') }} group by source_relation
    union all
    select source_relation, 'matter_types' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__matter_types') }} group by source_relation
    union all
    select source_relation, 'matter_type_items' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__matter_type_items') }} group by source_relation
    union all
    select source_relation, 'referral_types' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__referral_types') }} group by source_relation
    union all
    select source_relation, 'matter_stages' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__matter_stages') }} group by source_relation
    union all
    select source_relation, 'stage_sets' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__stage_sets') }} group by source_relation
    union all
    select source_relation, 'matter_roles' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__matter_roles') }} group by source_relation
    union all
    select source_relation, 'layout_designs' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__layout_designs') }} group by source_relation
    union all
    select source_relation, 'layout_fields' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__layout_fields') }} group by source_relation
    union all
    select source_relation, 'matter_layouts' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__matter_layouts') }} group by source_relation
    union all
    select source_relation, 'layout_contacts' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__layout_contacts') }} group by source_relation
    union all
    select source_relation, 'archives' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__archives') }} group by source_relation
    union all
    select source_relation, 'tasks' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__tasks') }} group by source_relation
    union all
    select source_relation, 'subtasks' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__subtasks') }} group by source_relation
    union all
    select source_relation, 'task_documents' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__task_documents') }} group by source_relation
    union all
    select source_relation, 'events' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__events') }} group by source_relation
    union all
    select source_relation, 'event_reminders' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__event_reminders') }} group by source_relation
    union all
    select source_relation, 'memos' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__memos') }} group by source_relation
    union all
    select source_relation, 'files' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__files') }} group by source_relation
    union all
    select source_relation, 'file_versions' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__file_versions') }} group by source_relation
    union all
    select source_relation, 'folders' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__folders') }} group by source_relation
    union all
    select source_relation, 'folder_versions' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__folder_versions') }} group by source_relation
    union all
    select source_relation, 'activity_codes' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__activity_codes') }} group by source_relation
    union all
    select source_relation, 'fees' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__fees') }} group by source_relation
    union all
    select source_relation, 'expenses' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__expenses') }} group by source_relation
    union all
    select source_relation, 'invoices' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__invoices') }} group by source_relation
    union all
    select source_relation, 'billing_configurations' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__billing_configurations') }} group by source_relation
    union all
    select source_relation, 'file_contents' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__file_contents') }} group by source_relation
    union all
    select source_relation, 'invoice_documents' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__invoice_documents') }} group by source_relation
    union all
    select source_relation, 'bank_accounts' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__bank_accounts') }} group by source_relation
    union all
    select source_relation, 'matter_balances' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__matter_balances') }} group by source_relation
    union all
    select source_relation, 'transactions' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__transactions') }} group by source_relation
    union all
    select source_relation, 'intake_forms' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__intake_forms') }} group by source_relation
    union all
    select source_relation, 'intake_submissions' as stream, count(*) as rows_loaded, max(loaded_at) as newest_row_loaded_at from {{ ref('stg_smokeball__intake_submissions') }} group by source_relation
),

runs as (
    select
        source_relation,
        stream,
        status,
        loaded_until_at,
        row_number() over (
            partition by source_relation, stream order by run_started_at desc, run_id
        ) as newest_first
    from {{ ref('stg_smokeball__sync_runs') }}
),

latest as (
    select
        source_relation,
        stream,
        max(case when newest_first = 1 then status end) as last_run_status,
        max(loaded_until_at) as complete_until
    from runs
    group by source_relation, stream
),

keys as (
    select source_relation, stream from loaded
    union all
    select source_relation, stream from latest
),

streams as (
    select distinct source_relation, stream from keys
)

select
    streams.source_relation,
    streams.stream,
    coalesce(loaded.rows_loaded, 0) as rows_loaded,
    loaded.newest_row_loaded_at,
    latest.last_run_status,
    latest.complete_until
from streams
left join loaded on {{ smokeball.same('loaded', 'streams', ['stream']) }}
left join latest on {{ smokeball.same('latest', 'streams', ['stream']) }}
