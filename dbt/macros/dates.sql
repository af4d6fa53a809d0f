{#
  Return the date of a UTC time in a time zone. A time of exactly midnight in UTC is a date without a time: Smokeball
  is not known to send the firm's offset with every date, and in another zone it would be the day before.
#}
{% macro local_date(time, zone) %}
    {%- if zone == 'UTC' -%}{{ return('cast(' ~ time ~ ' as date)') }}{%- endif -%}
    {{ return('case when ' ~ time ~ ' = ' ~ dbt.date_trunc('day', time) ~ ' then cast(' ~ time ~ ' as date) else '
        ~ smokeball.date_in_zone(time, zone) ~ ' end') }}
{% endmacro %}


{% macro date_in_zone(time, zone) %}{{ return(adapter.dispatch('date_in_zone', 'smokeball')(time, zone)) }}{% endmacro %}
{% macro default__date_in_zone(time, zone) %}{{ return("cast((" ~ time ~ " at time zone 'UTC') at time zone '" ~ zone ~ "' as date)") }}{% endmacro %}
{% macro snowflake__date_in_zone(time, zone) %}{{ return("cast(convert_timezone('UTC', '" ~ zone ~ "', " ~ time ~ ") as date)") }}{% endmacro %}
{% macro bigquery__date_in_zone(time, zone) %}{{ return("date(" ~ time ~ ", '" ~ zone ~ "')") }}{% endmacro %}


{# Return the current time in UTC, without a time zone. #}
{% macro now_utc() %}{{ return(adapter.dispatch('now_utc', 'smokeball')()) }}{% endmacro %}
{% macro default__now_utc() %}{{ return("(current_timestamp at time zone 'UTC')") }}{% endmacro %}
{% macro snowflake__now_utc() %}{{ return('sysdate()') }}{% endmacro %}
{% macro bigquery__now_utc() %}{{ return('current_timestamp()') }}{% endmacro %}


{# Return the date of the report. #}
{% macro as_of() %}
    {%- set zones = var('smokeball__timezone') -%}
    {%- set zone = zones if zones is string else (zones.values() | list | first) -%}
    {%- if var('smokeball__as_of') -%}{{ return("cast('" ~ var('smokeball__as_of') ~ "' as date)") }}{%- endif -%}
    {{ return(smokeball.date_in_zone(smokeball.now_utc(), zone)) }}
{% endmacro %}


{# Return the number of days from one date to a later one. #}
{% macro days_between(start, end) %}{{ return(adapter.dispatch('days_between', 'smokeball')(start, end)) }}{% endmacro %}
{% macro default__days_between(start, end) %}{{ return('(' ~ end ~ ' - ' ~ start ~ ')') }}{% endmacro %}
{% macro snowflake__days_between(start, end) %}{{ return("datediff('day', " ~ start ~ ", " ~ end ~ ")") }}{% endmacro %}
{% macro bigquery__days_between(start, end) %}{{ return('date_diff(' ~ end ~ ', ' ~ start ~ ', day)') }}{% endmacro %}


{# Return the first day of a date's month. #}
{% macro month_of(day) %}{{ return('cast(' ~ dbt.date_trunc('month', day) ~ ' as date)') }}{% endmacro %}


{# Return a date some days or months later. #}
{% macro date_plus(unit, count, day) %}{{ return('cast(' ~ dbt.dateadd(unit, count, day) ~ ' as date)') }}{% endmacro %}


{# Return the day of the week: 1 is Monday. #}
{% macro weekday(day) %}{{ return(adapter.dispatch('weekday', 'smokeball')(day)) }}{% endmacro %}
{% macro default__weekday(day) %}{{ return('extract(isodow from ' ~ day ~ ')') }}{% endmacro %}
{% macro snowflake__weekday(day) %}{{ return('dayofweekiso(' ~ day ~ ')') }}{% endmacro %}
{% macro bigquery__weekday(day) %}{{ return('(mod(extract(dayofweek from ' ~ day ~ ') + 5, 7) + 1)') }}{% endmacro %}


{# Return the time of the run, for snapshots: the first version of a row says when the row was first seen. #}
{% macro seen_at() %}
    {%- set moment = "'" ~ var('smokeball__as_of') ~ "'" if var('smokeball__as_of') else smokeball.now_utc() -%}
    {{ return('cast(' ~ moment ~ ' as ' ~ smokeball.type_timestamp() ~ ')') }}
{% endmacro %}
