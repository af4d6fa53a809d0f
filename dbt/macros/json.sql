{# Return a nested column as the warehouse's JSON; absent and JSON null become NULL. #}
{% macro to_json(column) %}{{ return(adapter.dispatch('to_json', 'smokeball')(column)) }}{% endmacro %}
{% macro default__to_json(column) %}{{ return(column) }}{% endmacro %}
{% macro postgres__to_json(column) %}{{ return("nullif(to_jsonb(" ~ column ~ "), 'null')") }}{% endmacro %}
{% macro snowflake__to_json(column) %}{{ return("nullif(" ~ column ~ ", parse_json('null'))") }}{% endmacro %}
{% macro bigquery__to_json(column) %}{{ return("to_json(" ~ column ~ ")") }}{% endmacro %}


{# Return a property of a JSON value as text. #}
{% macro json_text(value, path) %}{{ return(adapter.dispatch('json_text', 'smokeball')(value, path)) }}{% endmacro %}
{% macro default__json_text(value, path) %}{{ return("json_extract_string(" ~ value ~ ", '$." ~ path | join('.') ~ "')") }}{% endmacro %}
{% macro postgres__json_text(value, path) %}{{ return("jsonb_extract_path_text(" ~ value ~ ", '" ~ path | join("', '") ~ "')") }}{% endmacro %}
{% macro snowflake__json_text(value, path) %}{{ return("cast(get_path(" ~ value ~ ", '" ~ path | join('.') ~ "') as varchar)") }}{% endmacro %}
{% macro bigquery__json_text(value, path) %}{{ return("json_value(" ~ value ~ ", '$." ~ path | join('.') ~ "')") }}{% endmacro %}


{# Return a property of a JSON value as JSON. #}
{% macro json_value(value, path) %}{{ return(adapter.dispatch('json_value', 'smokeball')(value, path)) }}{% endmacro %}
{% macro default__json_value(value, path) %}{{ return("json_extract(" ~ value ~ ", '$." ~ path | join('.') ~ "')") }}{% endmacro %}
{% macro postgres__json_value(value, path) %}{{ return("nullif(jsonb_extract_path(" ~ value ~ ", '" ~ path | join("', '") ~ "'), 'null')") }}{% endmacro %}
{% macro snowflake__json_value(value, path) %}{{ return("get_path(" ~ value ~ ", '" ~ path | join('.') ~ "')") }}{% endmacro %}
{% macro bigquery__json_value(value, path) %}{{ return("json_query(" ~ value ~ ", '$." ~ path | join('.') ~ "')") }}{% endmacro %}


{#
  Join each element of a JSON list: to be used after the FROM clause. The element is item(); its place, from 1, is
  place().
#}
{% macro each_item(list) %}{{ return(adapter.dispatch('each_item', 'smokeball')(list)) }}{% endmacro %}
{% macro default__each_item(list) %}cross join unnest(json_extract({{ list }}, '$[*]')) with ordinality as items(item, place){% endmacro %}
{% macro postgres__each_item(list) %}cross join lateral jsonb_array_elements({{ list }}) with ordinality as items(item, place){% endmacro %}
{% macro snowflake__each_item(list) %}cross join lateral flatten(input => {{ list }}) as items{% endmacro %}
{% macro bigquery__each_item(list) %}cross join unnest(json_query_array({{ list }})) as item with offset as place{% endmacro %}


{% macro item() %}{{ return(adapter.dispatch('item', 'smokeball')()) }}{% endmacro %}
{% macro default__item() %}{{ return('items.item') }}{% endmacro %}
{% macro snowflake__item() %}{{ return('items.value') }}{% endmacro %}
{% macro bigquery__item() %}{{ return('item') }}{% endmacro %}


{% macro place() %}{{ return(adapter.dispatch('place', 'smokeball')()) }}{% endmacro %}
{% macro default__place() %}{{ return('items.place') }}{% endmacro %}
{% macro snowflake__place() %}{{ return('(items.index + 1)') }}{% endmacro %}
{% macro bigquery__place() %}{{ return('(place + 1)') }}{% endmacro %}
