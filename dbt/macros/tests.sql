{# The columns identify a row of a firm: none is null, and no two rows have the same values. #}
{% test smokeball_key(model, columns) %}
{%- set keys = (['source_relation'] + columns) | join(', ') %}
select {{ keys }}, count(*) as rows_found
from {{ model }}
group by {{ keys }}
having count(*) > 1
{%- for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}


{#
  Each value of a column exists in the column of another model. With `list`, the column holds JSON, and the value is at
  a path in each element of the list (inside a property of the JSON, unless that is empty).
#}
{% test smokeball_links(model, links) %}
{%- for link in links %}
{%- set other = ref(link.to) %}
select
    '{{ link.column }}' as broken_column,
    '{{ link.to }}' as references_model,
    referencing.referenced_value
from (
    {%- if 'list' in link %}
    select rows_of_model.source_relation, {{ smokeball.json_text(smokeball.item(), link.path.split('.')) }} as referenced_value
    from {{ model }} as rows_of_model
    {%- set value = 'rows_of_model.' ~ link.column %}
    {{ smokeball.each_item(smokeball.json_value(value, link.list.split('.')) if link.list else value) }}
    {%- else %}
    select source_relation, {{ link.column }} as referenced_value
    from {{ model }}
    {%- endif %}
) as referencing
left join (select distinct source_relation, {{ link.key }} as referenced_key from {{ other }}) as referenced
    on referenced.source_relation = referencing.source_relation
    and referenced.referenced_key = referencing.referenced_value
where referencing.referenced_value is not null and referenced.referenced_key is null
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{% endtest %}


{# No row meets a condition. #}
{% test smokeball_never(model, condition) %}
select * from {{ model }} where {{ condition }}
{% endtest %}


{# The amounts of a column add up to those of a column of another model, for each firm and key. #}
{% test smokeball_sums_agree(model, column, to, to_column, by=[], where='1 = 1', to_where='1 = 1') %}
{%- set keys = ['source_relation'] + by %}
with ours as (
    select {{ keys | join(', ') }}, sum({{ column }}) as amount from {{ model }} where {{ where }} group by {{ keys | join(', ') }}
),

theirs as (
    select {{ keys | join(', ') }}, sum({{ to_column }}) as amount from {{ ref(to) }} where {{ to_where }} group by {{ keys | join(', ') }}
),

both_sides as (
    select {{ keys | join(', ') }}, amount as our_amount, 0 as their_amount from ours
    union all
    select {{ keys | join(', ') }}, 0 as our_amount, amount as their_amount from theirs
)

select {{ keys | join(', ') }}, sum(our_amount) as our_amount, sum(their_amount) as their_amount
from both_sides
group by {{ keys | join(', ') }}
having coalesce(sum(our_amount), 0) <> coalesce(sum(their_amount), 0)
{% endtest %}


{# The columns have no other values than these, or null. #}
{% test smokeball_values(model, values) %}
{%- for column, accepted in values.items() %}
select source_relation, '{{ column }}' as column_name, cast({{ column }} as {{ dbt.type_string() }}) as unknown_value, count(*) as rows_found
from {{ model }}
where {{ column }} is not null and {{ column }} not in (
    {%- for value in accepted %}{{ value if value is number else "'" ~ value ~ "'" }}{{ ', ' if not loop.last }}{% endfor -%}
)
group by source_relation, {{ column }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{% endtest %}


{# The parts of each key of a firm add up to a total. #}
{% test smokeball_adds_up(model, column, by, total) %}
select source_relation, {{ by | join(', ') }}, sum({{ column }}) as found_total
from {{ model }}
group by source_relation, {{ by | join(', ') }}
having sum({{ column }}) <> {{ total }}
{% endtest %}
