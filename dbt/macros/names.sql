{# Return a person's full name, or null. #}
{% macro full_name(first, last) %}
    {{- return("nullif(trim(concat(coalesce(" ~ first ~ ", ''), ' ', coalesce(" ~ last ~ ", ''))), '')") -}}
{% endmacro %}


{# Join on the firm and further columns of the same name. #}
{% macro same(one, other, columns) %}
    {%- set tests = [one ~ '.source_relation = ' ~ other ~ '.source_relation'] -%}
    {%- for column in columns -%}
        {%- do tests.append(one ~ '.' ~ column ~ ' = ' ~ other ~ '.' ~ column) -%}
    {%- endfor -%}
    {{ return(tests | join(' and ')) }}
{% endmacro %}


{# Sum an expression over the rows that meet a condition, as a decimal; 0 without such rows. #}
{% macro sum_if(condition, value, places=2) %}
    {{- return(smokeball.decimal('coalesce(sum(case when ' ~ condition ~ ' then ' ~ value ~ ' end), 0)', places)) -}}
{% endmacro %}


{# Age ranges of work in progress in days: name, first and last day (null: open). #}
{% macro wip_ages() %}
    {%- set limits = smokeball.ageing_limits('wip', [30, 60, 90, 180, 365]) -%}
    {%- set first = ['days_0_' ~ limits[0], none, limits[0]] -%}
    {{ return([first] + smokeball.later_ages(limits)) }}
{% endmacro %}


{# Ranges of days overdue: name, first and last day (null: open). #}
{% macro overdue_ages() %}
    {%- set limits = smokeball.ageing_limits('overdue', [30, 60, 90]) -%}
    {%- set first = [['not_due', none, 0], ['days_1_' ~ limits[0], 1, limits[0]]] -%}
    {{ return(first + smokeball.later_ages(limits)) }}
{% endmacro %}


{# Return the last days of the age ranges, which the variable may replace. #}
{% macro ageing_limits(kind, default) %}
    {%- set limits = (var('smokeball__ageing_buckets') or {}).get(kind) or default -%}
    {%- for limit in limits -%}
        {%- if limit is not integer or limit <= (limits[loop.index0 - 1] if loop.index0 else 1) -%}
            {{ exceptions.raise_compiler_error('smokeball__ageing_buckets: ' ~ kind
                ~ ' is not a list of rising numbers of days. Correct the variable.') }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(limits) }}
{% endmacro %}


{# Return the age ranges after the first limit. #}
{% macro later_ages(limits) %}
    {%- set ages = [] -%}
    {%- for limit in limits[1:] -%}
        {%- set low = limits[loop.index0] + 1 -%}
        {%- do ages.append(['days_' ~ low ~ '_' ~ limit, low, limit]) -%}
    {%- endfor -%}
    {{ return(ages + [['days_over_' ~ limits[-1], limits[-1] + 1, none]]) }}
{% endmacro %}


{# Return the sum of the columns of all age ranges of work in progress. #}
{% macro wip_ages_total() %}{{ return(smokeball.wip_ages() | map(attribute=0) | join(' + ')) }}{% endmacro %}


{# Return the names of the ranges of days overdue. #}
{% macro overdue_age_names() %}{{ return(smokeball.overdue_ages() | map(attribute=0) | list) }}{% endmacro %}


{# Return the name of the age range of a number of days. #}
{% macro age_range(days, ranges) %}
case
    {%- for name, low, high in ranges %}
    {%- if high is none %}
    else '{{ name }}'
    {%- else %}
    when {{ days }} <= {{ high }} then '{{ name }}'
    {%- endif %}
    {%- endfor %}
end
{%- endmacro %}


{# Return the median of an expression as an aggregate. #}
{% macro median(value) %}{{ return(adapter.dispatch('median', 'smokeball')(value)) }}{% endmacro %}
{% macro default__median(value) %}{{ return('percentile_cont(0.5) within group (order by ' ~ value ~ ')') }}{% endmacro %}
{% macro bigquery__median(value) %}{{ return('approx_quantiles(' ~ value ~ ', 2)[offset(1)]') }}{% endmacro %}


{#
  Return the firms of the warehouse with their settings: name, currency (null: unknown), time zone. A setting is one
  value for all firms, or one for each name.
#}
{% macro firm_settings() %}
    {%- set zones = var('smokeball__timezone') -%}
    {%- set currencies = var('smokeball__currency') -%}
    {%- set result = [] -%}
    {%- for union in (var('smokeball__union_schemas') or [{'name': ''}]) -%}
        {%- do result.append({
            'name': union.name or '',
            'zone': zones if zones is string else zones.get(union.name, 'UTC'),
            'currency': currencies if currencies is string else currencies.get(union.name),
        }) -%}
    {%- endfor -%}
    {{ return(result) }}
{% endmacro %}


{# Return the currency of a row's firm, or null. #}
{% macro currency(source_relation='source_relation') %}
    {%- set currencies = var('smokeball__currency') -%}
    {%- if currencies is string -%}
        {{ return("cast('" ~ currencies ~ "' as " ~ dbt.type_string() ~ ')') }}
    {%- endif -%}
    {%- set cases = [] -%}
    {%- for name, code in currencies.items() -%}
        {%- do cases.append('when ' ~ source_relation ~ " = '" ~ name ~ "' then '" ~ code ~ "'") -%}
    {%- endfor -%}
    {{ return('cast(case ' ~ cases | join(' ') ~ ' end as ' ~ dbt.type_string() ~ ')') }}
{% endmacro %}
