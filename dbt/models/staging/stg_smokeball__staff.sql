-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('staff', ['id'], [
        ['staff_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['title', 'text', 'title'],
        ['first_name', 'text', 'firstName'],
        ['middle_name', 'text', 'middleName'],
        ['last_name', 'text', 'lastName'],
        ['initials', 'text', 'initials'],
        ['phone_area_code', 'text', 'phone.areaCode'],
        ['phone_number', 'text', 'phone.number'],
        ['cell_area_code', 'text', 'cell.areaCode'],
        ['cell_number', 'text', 'cell.number'],
        ['email', 'text', 'email'],
        ['role', 'text', 'role'],
        ['rate', 'money', 'rate'],
        ['avatar', 'text', 'avatar'],
        ['is_former', 'boolean', 'former'],
        ['is_enabled', 'true_boolean', 'enabled'],
        ['user_id', 'text', 'userId'],
        ['color_fill', 'text', 'colorFill'],
        ['color_stroke', 'text', 'colorStroke'],
        ['licence_numbers', 'json', 'licenceNumbers'],
        ['out_of_office_start_at', 'time', 'outOfOffice.startDate'],
        ['out_of_office_start_date', 'local_date', 'outOfOffice.startDate'],
        ['out_of_office_end_at', 'time', 'outOfOffice.endDate'],
        ['out_of_office_end_date', 'local_date', 'outOfOffice.endDate'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
