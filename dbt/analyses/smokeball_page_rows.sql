-- The number of rows of each table of the page. Compiled with each adapter, it shows that the queries of the page are
-- SQL of the warehouse.
{%- for name, columns, source in smokeball.page_tables() %}
select '{{ name }}' as page_table, count(*) as page_rows
from ({{ smokeball.page_query(columns, source, '') }}) as found
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
