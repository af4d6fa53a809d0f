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
    {{ return([
        ['days_0_30', none, 30], ['days_31_60', 31, 60], ['days_61_90', 61, 90],
        ['days_91_180', 91, 180], ['days_181_365', 181, 365], ['days_over_365', 366, none],
    ]) }}
{% endmacro %}


{# Ranges of days overdue: name, first and last day (null: open). #}
{% macro overdue_ages() %}
    {{ return([
        ['not_due', none, 0], ['days_1_30', 1, 30], ['days_31_60', 31, 60], ['days_61_90', 61, 90],
        ['days_over_90', 91, none],
    ]) }}
{% endmacro %}


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
