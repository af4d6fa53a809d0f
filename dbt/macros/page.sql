{#
  Print the rows of the page of a firm as lines of JSON, for the program in page/. The program reads them through dbt,
  so that it works with each adapter and needs no credentials of its own. A line is {"table": ..., "rows": [...]}.

  firm: name of the firm in source_relation; needed if there are several.
#}
{% macro page_rows(firm=none) %}
    {%- set firms = smokeball.page_firms() -%}
    {%- set chosen = firms[0] if firm is none and firms | length == 1 else firm -%}
    {%- if chosen is none or chosen not in firms -%}
        {%- do print(tojson({'firms': firms})) -%}
    {%- else -%}
        {%- do print(tojson({'settings': smokeball.page_settings(chosen)})) -%}
        {%- for name, columns, source in smokeball.page_tables() -%}
            {%- do smokeball.print_page_table(name, columns, source, chosen) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{# Return the names of the firms; one firm without a name if nothing is loaded. #}
{% macro page_firms() %}
    {%- set found = run_query('select distinct source_relation from ' ~ ref('smokeball', 'smokeball__load_freshness')
        ~ ' order by source_relation').columns[0].values() | list -%}
    {{ return(found or ['']) }}
{% endmacro %}


{# Return what the page says about the figures. #}
{% macro page_settings(firm) %}
    {%- set zones = var('smokeball__timezone') -%}
    {%- set currencies = var('smokeball__currency') -%}
    {%- set as_of = run_query('select cast(' ~ smokeball.as_of() ~ ' as ' ~ dbt.type_string() ~ ')').columns[0].values()[0] -%}
    {{ return({
        'source_relation': firm,
        'as_of': as_of,
        'timezone': zones if zones is string else zones.get(firm, 'UTC'),
        'currency': currencies if currencies is string else currencies.get(firm),
        'fiscal_year_start': var('smokeball__fiscal_year_start'),
        'collection_days': var('smokeball__collection_days'),
        'idle_days': var('smokeball__idle_days'),
        'wip_ages': smokeball.wip_ages(),
        'overdue_ages': smokeball.overdue_ages(),
    }) }}
{% endmacro %}


{# Return the query of a table. All values are text: warehouses write dates and numbers as text alike. #}
{% macro page_query(columns, source, firm) %}
    {%- set texts = [] -%}
    {%- for column, kind in columns -%}
        {%- do texts.append('cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ') as ' ~ column) -%}
    {%- endfor -%}
    {{ return('select ' ~ texts | join(', ') ~ ' from ' ~ source ~ " where source_relation = '"
        ~ firm | replace("'", "''") ~ "'") }}
{% endmacro %}


{# Print a table in parts. #}
{% macro print_page_table(name, columns, source, firm) %}
    {%- set rows = run_query(smokeball.page_query(columns, source, firm)).rows -%}
    {%- do print(tojson({'table': name, 'columns': columns})) -%}
    {%- for part in rows | batch(1000) -%}
        {%- set values = [] -%}
        {%- for row in part -%}
            {%- do values.append(row.values() | list) -%}
        {%- endfor -%}
        {%- do print(tojson({'table': name, 'rows': values})) -%}
    {%- endfor -%}
{% endmacro %}


{# Return the tables: name, columns with their kinds, and a relation or subquery that has source_relation. #}
{% macro page_tables() %}
    {%- set ages = [] -%}
    {%- for name, _, _ in smokeball.wip_ages() -%}
        {%- do ages.append([name, 'money']) -%}
    {%- endfor -%}
    {{ return([
        ['firm', [['name', 'text']], ref('smokeball', 'stg_smokeball__firm')],
        ['freshness', [
            ['stream', 'text'], ['rows_loaded', 'integer'], ['last_run_status', 'text'], ['complete_until', 'time'],
            ['newest_row_loaded_at', 'time'],
        ], ref('smokeball', 'smokeball__load_freshness')],
        ['matters', [
            ['matter_id', 'matter'], ['matter_number', 'text'], ['title', 'text'], ['client_name', 'text'], ['practice_area', 'text'],
            ['person_responsible', 'text'], ['status', 'text'], ['is_lead', 'boolean'], ['is_active', 'boolean'],
            ['stage_set', 'text'], ['stage', 'text'], ['age_days', 'integer'], ['idle_days', 'integer'],
        ], ref('smokeball', 'smokeball__matters')],
        ['trust_exceptions', [
            ['priority', 'integer'], ['exception_type', 'text'], ['bank_account_id', 'key'], ['account_name', 'text'], ['matter_id', 'matter'],
            ['amount', 'money'], ['since_date', 'date'],
        ], ref('smokeball', 'smokeball__trust_exceptions')],
        ['trust_accounts', [
            ['bank_account_id', 'key'], ['account_name', 'text'], ['account_type', 'text'], ['ledgers', 'integer'], ['ledger_balance', 'money'],
            ['moved_amount', 'money'], ['book_balance', 'money'], ['statement_date', 'date'], ['statement_balance', 'money'],
            ['statement_difference', 'money'], ['overdrawn_ledgers', 'integer'], ['is_reconciled', 'boolean'],
        ], ref('smokeball', 'smokeball__trust_reconciliation')],
        ['trust_balances', [
            ['bank_account_id', 'key'], ['account_name', 'text'], ['account_type', 'text'], ['matter_id', 'matter'], ['balance', 'money'],
            ['protected_balance', 'money'], ['available_balance', 'money'], ['last_movement_date', 'date'],
        ], '(select * from ' ~ ref('smokeball', 'smokeball__trust_balances') ~ ' where balance <> 0) as balances'],
        ['trust_to_office', [
            ['matter_id', 'matter'], ['available_amount', 'money'], ['unpaid_invoices', 'integer'],
            ['oldest_issued_date', 'date'], ['unpaid_amount', 'money'], ['transferable_amount', 'money'],
        ], ref('smokeball', 'smokeball__trust_to_office')],
        ['wip', [
            ['matter_id', 'matter'], ['staff_name', 'text'], ['hours', 'number'], ['fees', 'money'], ['disbursements', 'money'],
            ['total', 'money'], ['on_draft', 'money'], ['draft_adjustment', 'money'], ['orphaned', 'money'],
            ['oldest_date', 'date'],
        ] + ages, ref('smokeball', 'smokeball__wip_ageing')],
        ['receivables', [
            ['matter_id', 'matter'], ['invoice_number', 'text'], ['debtor_id', 'key'],
            ['debtor_name', 'text'], ['debtors', 'integer'], ['issued_date', 'date'],
            ['due_date', 'date'], ['days_overdue', 'integer'], ['age_range', 'text'], ['owed_amount', 'money'],
        ], '(select * from ' ~ ref('smokeball', 'smokeball__ar_ageing') ~ ' where owed_amount <> 0) as receivables'],
        ['images', [
            ['months_before', 'integer'], ['day', 'date'], ['practice_area', 'text'], ['person_responsible', 'text'],
            ['kind', 'text'], ['amount', 'money'], ['overdue_amount', 'money'],
        ], smokeball.page_images()],
        ['lockup', [
            ['month', 'date'], ['as_of', 'date'], ['wip_fees', 'money'], ['owed_exc_tax_amount', 'money'],
            ['invoices_in_12_months', 'integer'], ['billed_fees_in_12_months', 'money'], ['has_12_months', 'boolean'],
            ['wip_days', 'number'], ['debtor_days', 'number'], ['lockup_days', 'number'],
        ], ref('smokeball', 'smokeball__lockup_monthly')],
        ['invoices', [
            ['matter_id', 'matter'], ['invoice_number', 'text'], ['issued_date', 'date'], ['recorded_fee_amount', 'money'],
            ['net_fee_amount', 'money'], ['net_cost_amount', 'money'], ['tax_amount', 'money'], ['payable_amount', 'money'],
            ['collected_amount', 'money'], ['unpaid_amount', 'money'], ['is_mature', 'boolean'],
        ], smokeball.page_invoices()],
        ['write_offs', [
            ['matter_id', 'matter'], ['work_date', 'date'], ['amount', 'money'],
        ], "(select source_relation, matter_id, work_date, billable_amount_exc_tax as amount from "
            ~ ref('smokeball', 'smokeball__time_entries') ~ " where entry_state = 'written_off_unbilled') as write_offs"],
        ['receipts', [
            ['matter_id', 'matter'], ['effective_date', 'date'], ['account_type', 'text'], ['cash_amount', 'money'],
            ['credit_amount', 'money'], ['fee_amount', 'money'], ['cost_amount', 'money'], ['tax_amount', 'money'],
        ], ref('smokeball', 'smokeball__receipts')],
        ['hours', [
            ['staff_id', 'key'], ['staff_name', 'text'], ['month', 'date'], ['role', 'text'], ['is_former', 'boolean'], ['available_hours', 'number'],
            ['hours', 'number'], ['billable_hours', 'number'], ['target_hours', 'number'], ['billable_amount', 'money'],
            ['billed_amount', 'money'],
        ], '(select * from ' ~ ref('smokeball', 'smokeball__timekeeper_monthly') ~ ' where is_fee_earner) as hours'],
        ['leads', [
            ['matter_id', 'matter'], ['first_seen_at', 'time'], ['lead_opened_date', 'date'], ['referral_type', 'text'],
            ['outcome', 'text'], ['converted_date', 'date'], ['lost_date', 'date'], ['days_to_convert', 'integer'],
            ['is_counted', 'boolean'], ['log_began_at', 'time'],
        ], '(select * from ' ~ ref('smokeball', 'smokeball__leads') ~ " where outcome <> 'deleted') as leads"],
    ]) }}
{% endmacro %}


{# Issued invoices with the billable fees on them; what client credit paid is not collected. #}
{% macro page_invoices() -%}
(
    select
        invoices.source_relation,
        invoices.matter_id,
        invoices.invoice_number,
        invoices.issued_date,
        case when invoices.has_totals then coalesce(recorded.amount, 0) else 0 end as recorded_fee_amount,
        invoices.net_fee_amount,
        invoices.net_cost_amount,
        invoices.tax_amount,
        invoices.payable_amount,
        invoices.paid_exc_interest_amount - invoices.paid_by_credit_amount as collected_amount,
        invoices.unpaid_amount,
        invoices.days_since_issue >= {{ var('smokeball__collection_days') }} as is_mature
    from {{ ref('smokeball', 'smokeball__invoices') }} as invoices
    left join (
        select source_relation, invoice_id, sum(billable_amount_exc_tax) as amount
        from {{ ref('smokeball', 'smokeball__time_entries') }}
        where entry_state in ('billed', 'written_off_on_bill')
        group by source_relation, invoice_id
    ) as recorded on {{ smokeball.same('recorded', 'invoices', ['invoice_id']) }}
    where invoices.is_issued
) as invoices
{%- endmacro %}


{#
  The amounts of a month and of a year before. Unbilled work and debtors: the newest daily image that is so old, for at
  most a month before that day. Money held for clients: today's balances less the movements since then.
#}
{% macro page_images() -%}
(
    {%- for months in [1, 12] %}
    {%- set before = smokeball.date_plus('month', -months, smokeball.as_of()) %}
    {%- for mart, kind, amount, overdue in [
        ['smokeball__wip_daily', 'wip', 'total', '0'], ['smokeball__ar_daily', 'receivables', 'owed_amount', 'daily.overdue_amount'],
    ] %}
    select
        daily.source_relation,
        {{ months }} as months_before,
        daily.day,
        matters.practice_area,
        matters.person_responsible,
        '{{ kind }}' as kind,
        sum(daily.{{ amount }}) as amount,
        sum({{ overdue }}) as overdue_amount
    from {{ ref('smokeball', mart) }} as daily
    inner join (
        select source_relation, max(day) as day
        from {{ ref('smokeball', mart) }}
        where day <= {{ before }} and day > {{ smokeball.date_plus('month', -months - 1, smokeball.as_of()) }}
        group by source_relation
    ) as newest on {{ smokeball.same('newest', 'daily', ['day']) }}
    left join {{ ref('smokeball', 'smokeball__matters') }} as matters on {{ smokeball.same('matters', 'daily', ['matter_id']) }}
    group by daily.source_relation, daily.day, matters.practice_area, matters.person_responsible
    union all
    {%- endfor %}
    select
        moved.source_relation,
        {{ months }} as months_before,
        {{ before }} as day,
        matters.practice_area,
        matters.person_responsible,
        'trust' as kind,
        sum(moved.amount) as amount,
        0 as overdue_amount
    from (
        select source_relation, matter_id, account_type, balance as amount
        from {{ ref('smokeball', 'smokeball__trust_balances') }}
        union all
        select source_relation, matter_id, account_type, -amount as amount
        from {{ ref('smokeball', 'smokeball__trust_ledger') }}
        where effective_date > {{ before }}
    ) as moved
    left join {{ ref('smokeball', 'smokeball__matters') }} as matters on {{ smokeball.same('matters', 'moved', ['matter_id']) }}
    where moved.account_type in ('Trust', 'ControlledMoney')
    group by moved.source_relation, matters.practice_area, matters.person_responsible
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
) as images
{%- endmacro %}
