{# The types that the package uses. Amounts have two places; other numbers six. #}
{% macro type_of(kind) %}
    {{ return({
        'text': dbt.type_string(),
        'local_time': dbt.type_string(),
        'date': 'date',
        'local_date': 'date',
        'text_date': 'date',
        'time': smokeball.type_timestamp(),
        'money': smokeball.type_decimal(2),
        'number': smokeball.type_decimal(6),
        'integer': dbt.type_bigint(),
        'minutes': dbt.type_bigint(),
        'json': smokeball.type_json(),
        'boolean': dbt.type_boolean(),
        'true_boolean': dbt.type_boolean(),
    }[kind]) }}
{% endmacro %}


{% macro type_decimal(places) %}{{ return(adapter.dispatch('type_decimal', 'smokeball')(places)) }}{% endmacro %}
{% macro default__type_decimal(places) %}{{ return('decimal(18, ' ~ places ~ ')') }}{% endmacro %}
{% macro bigquery__type_decimal(places) %}{{ return('numeric') }}{% endmacro %}


{% macro type_timestamp() %}{{ return(adapter.dispatch('type_timestamp', 'smokeball')()) }}{% endmacro %}
{% macro default__type_timestamp() %}{{ return('timestamp') }}{% endmacro %}
{% macro snowflake__type_timestamp() %}{{ return('timestamp_ntz') }}{% endmacro %}


{% macro type_json() %}{{ return(adapter.dispatch('type_json', 'smokeball')()) }}{% endmacro %}
{% macro default__type_json() %}{{ return('json') }}{% endmacro %}
{% macro postgres__type_json() %}{{ return('jsonb') }}{% endmacro %}
{% macro snowflake__type_json() %}{{ return('variant') }}{% endmacro %}


{# Round to a number of decimal places, as a decimal. #}
{% macro decimal(value, places=2) %}{{ return(adapter.dispatch('decimal', 'smokeball')(value, places)) }}{% endmacro %}
{% macro default__decimal(value, places) %}{{ return('cast(' ~ value ~ ' as decimal(18, ' ~ places ~ '))') }}{% endmacro %}
{% macro bigquery__decimal(value, places) %}{{ return('round(cast(' ~ value ~ ' as numeric), ' ~ places ~ ')') }}{% endmacro %}


{# An amount of money. #}
{% macro money(value) %}{{ return(smokeball.decimal(value, 2)) }}{% endmacro %}


{# A number of 64 bits: dbt's own type for floats has 32 in DuckDB, seven digits. #}
{% macro type_double() %}{{ return(adapter.dispatch('type_double', 'smokeball')()) }}{% endmacro %}
{% macro default__type_double() %}{{ return('double precision') }}{% endmacro %}
{% macro bigquery__type_double() %}{{ return('float64') }}{% endmacro %}


{# Divide: null if the divisor is null or 0. #}
{% macro ratio(dividend, divisor, places=4) %}
    {{- return(smokeball.decimal(
        'cast(' ~ dividend ~ ' as ' ~ smokeball.type_double() ~ ') / nullif(' ~ divisor ~ ', 0)', places)) -}}
{% endmacro %}


{# Convert a loaded column. #}
{% macro from_column(kind, column, zone) %}
    {%- if kind == 'text' -%}{{ return("nullif(" ~ column ~ ", '')") }}
    {%- elif kind == 'json' -%}{{ return(smokeball.to_json(column)) }}
    {%- elif kind in ('boolean', 'true_boolean') -%}{{ return(column) }}
    {%- elif kind == 'integer' -%}{{ return('cast(' ~ column ~ ' as ' ~ dbt.type_bigint() ~ ')') }}
    {%- elif kind == 'time' -%}{{ return('cast(' ~ column ~ ' as ' ~ smokeball.type_timestamp() ~ ')') }}
    {%- elif kind == 'local_date' -%}
        {{ return(smokeball.local_date('cast(' ~ column ~ ' as ' ~ smokeball.type_timestamp() ~ ')', zone)) }}
    {%- elif kind == 'date' -%}{{ return('cast(' ~ column ~ ' as date)') }}
    {%- else -%}{{ return(smokeball.from_text(kind, column, zone)) }}
    {%- endif -%}
{% endmacro %}


{# Convert a text, such as a property of an object. #}
{% macro from_text(kind, text, zone) %}
    {%- if kind in ('text', 'local_time') -%}{{ return("nullif(" ~ text ~ ", '')") }}
    {%- elif kind == 'money' -%}{{ return(smokeball.money(text)) }}
    {%- elif kind == 'number' -%}{{ return(smokeball.decimal(text, 6)) }}
    {%- elif kind == 'integer' -%}{{ return('cast(' ~ text ~ ' as ' ~ dbt.type_bigint() ~ ')') }}
    {%- elif kind == 'boolean' -%}{{ return(text ~ " = 'true'") }}
    {%- elif kind == 'true_boolean' -%}{{ return(text ~ " <> 'false'") }}
    {%- elif kind == 'date' -%}{{ return('cast(' ~ text ~ ' as date)') }}
    {%- elif kind == 'text_date' -%}{{ return("cast(nullif(substring(" ~ text ~ ", 1, 10), '') as date)") }}
    {%- elif kind == 'time' -%}{{ return('cast(' ~ text ~ ' as ' ~ smokeball.type_timestamp() ~ ')') }}
    {%- elif kind == 'local_date' -%}
        {{ return(smokeball.local_date('cast(' ~ text ~ ' as ' ~ smokeball.type_timestamp() ~ ')', zone)) }}
    {%- elif kind == 'minutes' -%}{{ return(smokeball.minutes_of(text)) }}
    {%- else -%}{{ exceptions.raise_compiler_error('unknown kind ' ~ kind) }}
    {%- endif -%}
{% endmacro %}


{# Minutes of an ISO 8601 duration such as P1DT4H33M. #}
{% macro minutes_of(text) %}
    {%- set parts = [] -%}
    {%- for unit, minutes in [('D', 1440), ('H', 60), ('M', 1)] -%}
        {%- do parts.append(minutes ~ " * coalesce(cast(" ~ smokeball.number_before(text, unit) ~ " as " ~ dbt.type_bigint() ~ "), 0)") -%}
    {%- endfor -%}
    {{ return("case when " ~ text ~ " like 'P%' then " ~ parts | join(' + ') ~ " end") }}
{% endmacro %}


{# The digits before a unit of a duration, or null. #}
{% macro number_before(text, unit) %}{{ return(adapter.dispatch('number_before', 'smokeball')(text, unit)) }}{% endmacro %}
{% macro default__number_before(text, unit) %}{{ return("substring(" ~ text ~ " from '([0-9]+)" ~ unit ~ "')") }}{% endmacro %}
{% macro duckdb__number_before(text, unit) %}{{ return("nullif(regexp_extract(" ~ text ~ ", '([0-9]+)" ~ unit ~ "', 1), '')") }}{% endmacro %}
{% macro snowflake__number_before(text, unit) %}{{ return("regexp_substr(" ~ text ~ ", '([0-9]+)" ~ unit ~ "', 1, 1, 'e', 1)") }}{% endmacro %}
{% macro bigquery__number_before(text, unit) %}{{ return("regexp_extract(" ~ text ~ ", '([0-9]+)" ~ unit ~ "')") }}{% endmacro %}
