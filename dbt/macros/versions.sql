{# The version of a row: when it was loaded, or marked as deleted. #}
{% macro version_of(alias) %}{{ return('coalesce(' ~ alias ~ '.removed_at, ' ~ alias ~ '.loaded_at)') }}{% endmacro %}


{# The version of a row that is not loaded. #}
{% macro no_version() %}{{ return("cast('1970-01-01' as " ~ smokeball.type_timestamp() ~ ')') }}{% endmacro %}


{# Delete the entries whose rows are no longer in the warehouse, in an incremental run. #}
{% macro delete_vanished_entries() %}
    {%- if is_incremental() -%}
delete from {{ this }}
where not exists (
    select 1
    from (
        select source_relation as current_firm, fee_id as current_entry from {{ ref('stg_smokeball__fees') }}
        union all
        select source_relation as current_firm, expense_id as current_entry from {{ ref('stg_smokeball__expenses') }}
    ) as current_entries
    where current_firm = source_relation and current_entry = entry_id
)
    {%- endif -%}
{% endmacro %}
