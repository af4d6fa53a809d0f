select *
from {{ ref('int_smokeball__trust_movements') }}
