{#
  Select the columns of a stream, from one schema or from the schemas of several firms.

  stream: name of the stream.
  keys: columns of its primary key.
  columns: [name, kind, source, ...]: the first source that has a value counts. A source is a loaded column, or a
    path into one ("invoiceTotals.paid").

  A stream that is not loaded has no rows. A column that is not loaded is null. Both keep their types.
#}
{% macro stage(stream, keys, columns) %}
{%- for firm in smokeball.firms(stream) %}
select
    cast('{{ firm.name }}' as {{ dbt.type_string() }}) as source_relation,
    {%- for column in columns %}
    {{ smokeball.staged_value(column, firm) }} as {{ column[0] }},
    {%- endfor %}
    {{ smokeball.loaded_at(firm) }} as loaded_at,
    {{ smokeball.removed_at(firm) }} as removed_at
from {{ firm.relation if firm.relation else '(select 1 as nothing) as unloaded' }}
{%- if firm.relation %}{{ smokeball.newest_rows(firm, keys) }}{% else %}
where 1 = 0
{%- endif %}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{% endmacro %}


{# Return the relation of a stream for each firm, with its columns: {lowercase name: quoted name}. #}
{% macro firms(stream) %}
    {%- set source_relation = source('smokeball', stream) -%}
    {%- set unions = var('smokeball__union_schemas') -%}
    {%- set result = [] -%}
    {%- for union in (unions or [{'schema': source_relation.schema, 'name': ''}]) -%}
        {%- set wanted = source_relation.incorporate(path={'schema': union.schema}) if unions else source_relation -%}
        {%- set zones = var('smokeball__timezone') -%}
        {%- set zone = zones if zones is string else zones.get(union.name, 'UTC') -%}
        {%- set firm = {'name': union.name or '', 'zone': zone, 'columns': {}, 'relation': none, 'assumed': false} -%}
        {%- if not var('smokeball__introspect') -%}
            {%- do firm.update({'relation': wanted, 'assumed': true}) -%}
        {%- elif execute -%}
            {%- set found = adapter.get_relation(
                database=wanted.database, schema=wanted.schema, identifier=wanted.identifier) -%}
            {%- if found -%}
                {%- do firm.update({'relation': found}) -%}
                {%- for column in adapter.get_columns_in_relation(found) -%}
                    {%- do firm.columns.update({column.name | lower: adapter.quote(column.name)}) -%}
                {%- endfor -%}
            {%- endif -%}
        {%- endif -%}
        {%- do result.append(firm) -%}
    {%- endfor -%}
    {{ return(result) }}
{% endmacro %}


{# Return a loaded column's quoted name, or none. #}
{% macro loaded_column(firm, name) %}
    {%- if firm.assumed -%}
        {{ return(smokeball.assumed_column(name)) }}
    {%- endif -%}
    {{ return(firm.columns.get(name | lower)) }}
{% endmacro %}


{# Return the name that a loader gives to a property. #}
{% macro assumed_column(name) %}{{ return(adapter.dispatch('assumed_column', 'smokeball')(name)) }}{% endmacro %}
{% macro default__assumed_column(name) %}{{ return(adapter.quote(name)) }}{% endmacro %}
{% macro duckdb__assumed_column(name) %}{{ return(adapter.quote(name | lower)) }}{% endmacro %}
{% macro snowflake__assumed_column(name) %}{{ return(adapter.quote(name | upper)) }}{% endmacro %}


{# Return the expression for a column of a staging model. #}
{% macro staged_value(column, firm) %}
    {%- set kind = column[1] -%}
    {%- set values = [] -%}
    {%- for source_path in column[2:] -%}
        {%- set parts = source_path.split('.') -%}
        {%- set loaded = smokeball.loaded_column(firm, parts[0]) -%}
        {%- if loaded and parts | length > 1 -%}
            {%- set text = smokeball.json_text(smokeball.to_json(loaded), parts[1:]) -%}
            {%- do values.append(smokeball.from_text(kind, text, firm.zone)) -%}
        {%- elif loaded -%}
            {%- do values.append(smokeball.from_column(kind, loaded, firm.zone)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set default = {'true_boolean': 'true', 'boolean': 'false'}.get(kind) -%}
    {%- if default -%}
        {%- do values.append(default) -%}
    {%- elif not values -%}
        {%- do values.append('cast(null as ' ~ smokeball.type_of(kind) ~ ')') -%}
    {%- endif -%}
    {{ return(values[0] if values | length == 1 else 'coalesce(' ~ values | join(', ') ~ ')') }}
{% endmacro %}


{# Return the time when a row was last loaded. #}
{% macro loaded_at(firm) %}
    {%- set column = smokeball.loaded_column(firm, '_sdc_batched_at') or smokeball.loaded_column(firm, '_sdc_extracted_at') -%}
    {{ return('cast(' ~ (column or 'null') ~ ' as ' ~ smokeball.type_timestamp() ~ ')') }}
{% endmacro %}


{# Return the time when a loader marked a row as deleted. #}
{% macro removed_at(firm) %}
    {%- set column = smokeball.loaded_column(firm, '_sdc_deleted_at') -%}
    {{ return('cast(' ~ (column or 'null') ~ ' as ' ~ smokeball.type_timestamp() ~ ')') }}
{% endmacro %}


{# Keep the newest row of each key. All loaders but BigQuery's replace rows themselves. #}
{% macro newest_rows(firm, keys) %}{{ return(adapter.dispatch('newest_rows', 'smokeball')(firm, keys)) }}{% endmacro %}
{% macro default__newest_rows(firm, keys) %}{{ return('') }}{% endmacro %}
{% macro bigquery__newest_rows(firm, keys) %}
    {%- set names = [] -%}
    {%- for key in keys -%}{%- do names.append(smokeball.loaded_column(firm, key)) -%}{%- endfor -%}
    {{ return('\nwhere true\nqualify row_number() over (partition by ' ~ names | join(', ')
        ~ ' order by _sdc_extracted_at desc, _sdc_sequence desc) = 1') }}
{% endmacro %}
