-- The firms of the warehouse, with the settings of the report: also a firm of which nothing is loaded.
with settings as (
    {%- for firm in smokeball.firm_settings() %}
    select
        '{{ firm.name }}' as source_relation,
        {{ "'" ~ firm.currency ~ "'" if firm.currency else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as currency,
        '{{ firm.zone }}' as time_zone
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

names as (
    select source_relation, max(name) as firm_name
    from {{ ref('stg_smokeball__firm') }}
    group by source_relation
)

select
    cast(settings.source_relation as {{ dbt.type_string() }}) as source_relation,
    names.firm_name,
    cast(settings.currency as {{ dbt.type_string() }}) as currency,
    cast(settings.time_zone as {{ dbt.type_string() }}) as time_zone,
    {{ smokeball.as_of() }} as as_of
from settings
left join names on names.source_relation = settings.source_relation
