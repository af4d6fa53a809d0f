{#
  Return the query for the time until which a source is complete, by the tap's runs. With several firms: of the firm
  that is furthest behind. A stream that no run has selected is not late.
#}
{% macro complete_until_query(source_relation) %}
    {%- set stream = source_relation.identifier -%}
    {%- set unions = var('smokeball__union_schemas') -%}
    {%- set column = smokeball.assumed_column('loadedUntil') -%}
    {%- set queries = [] -%}
    {%- for union in (unions or [{'schema': source_relation.schema}]) -%}
        {%- set runs = source_relation.incorporate(path={'schema': union.schema, 'identifier': smokeball.run_log()}) -%}
        {%- do queries.append(
            'select coalesce(max(' ~ column ~ '), case when count(*) = 0 then ' ~ smokeball.now_utc() ~ ' end) as complete_until, '
            ~ 'case when count(*) = 0 or count(' ~ column ~ ') > 0 then 0 else 1 end as is_unknown '
            ~ 'from ' ~ runs ~ " where stream = '" ~ stream ~ "'") -%}
    {%- endfor -%}
    {{ return('select case when max(is_unknown) = 0 then min(complete_until) end from (' ~ queries | join(' union all ') ~ ') as runs') }}
{% endmacro %}


{# Return the name of the table of the tap's runs. #}
{% macro run_log() %}{{ return('SYNC_RUNS' if target.type == 'snowflake' else 'sync_runs') }}{% endmacro %}
