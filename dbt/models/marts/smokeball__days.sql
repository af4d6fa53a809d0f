{#
  Days from the first one that reports need to a year after the report. Semantic metrics use them as their time spine.
#}
with numbers as (
    {{ dbt.generate_series(8192) }}
),

days as (
    select {{ dbt.dateadd('day', 'cast(generated_number as ' ~ dbt.type_int() ~ ') - 1', "cast('" ~ var('smokeball__first_day') ~ "' as date)") }} as moment
    from numbers
),

dates as (
    select cast(moment as date) as day from days
)

select
    dates.day,
    {{ smokeball.month_of('dates.day') }} as month,
    cast({{ dbt.date_trunc('quarter', 'dates.day') }} as date) as quarter,
    {#- A fiscal year is named for the calendar year in which it ends. -#}
    {%- set start = var('smokeball__fiscal_year_start') %}
    cast(extract(year from dates.day) as {{ dbt.type_int() }})
        {%- if start > 1 %} + case when extract(month from dates.day) >= {{ start }} then 1 else 0 end{% endif %} as fiscal_year,
    holidays.holiday_name,
    {{ smokeball.weekday('dates.day') }} not in (6, 7) and holidays.holiday_date is null as is_working_day
from dates
left join (
    select holiday_date, max(holiday_name) as holiday_name
    from {{ ref('smokeball_calendar_holidays') }}
    group by holiday_date
) as holidays on holidays.holiday_date = dates.day
where dates.day <= {{ smokeball.date_plus('day', 366, smokeball.as_of()) }}
