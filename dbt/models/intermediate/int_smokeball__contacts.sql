-- Contacts with the name to show: of a person, a company, a trust or a group.
select
    source_relation,
    contact_id,
    case
        when company is not null or company_name is not null then 'company'
        when trust is not null or trust_name is not null then 'trust'
        when group_of_people is not null or group_name is not null then 'group'
        else 'person'
    end as contact_kind,
    coalesce(
        {{ smokeball.full_name('person_first_name', 'person_last_name') }}, company_name, trust_name, group_name
    ) as contact_name,
    is_deleted
from {{ ref('stg_smokeball__contacts') }}
