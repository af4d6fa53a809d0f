-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('firm', ['id'], [
        ['firm_id', 'text', 'id'],
        ['version_id', 'text', 'versionId'],
        ['owner', 'text', 'owner'],
        ['name', 'text', 'name'],
        ['status_status', 'text', 'status.status'],
        ['status_status_message', 'text', 'status.statusMessage'],
        ['product_id', 'text', 'productId'],
        ['add_on_ids', 'json', 'addOnIds'],
        ['email', 'text', 'email'],
        ['abn', 'text', 'abn'],
        ['acn', 'text', 'acn'],
        ['street_address', 'json', 'streetAddress'],
        ['mailing_address', 'json', 'mailingAddress'],
        ['dx_address_number', 'text', 'dxAddress.number'],
        ['dx_address_exchange', 'text', 'dxAddress.exchange'],
        ['dx_address_state', 'text', 'dxAddress.state'],
        ['phone_area_code', 'text', 'phone.areaCode'],
        ['phone_number', 'text', 'phone.number'],
        ['fax_area_code', 'text', 'fax.areaCode'],
        ['fax_number', 'text', 'fax.number'],
        ['logo', 'text', 'logo'],
        ['styling_details_primary_color_hex_code', 'text', 'stylingDetails.primaryColorHexCode'],
        ['styling_details_secondary_color_hex_code', 'text', 'stylingDetails.secondaryColorHexCode'],
        ['styling_details_font_family_name', 'text', 'stylingDetails.fontFamilyName'],
        ['licence_numbers', 'json', 'licenceNumbers'],
        ['created_at', 'time', 'createdDate'],
        ['created_date', 'local_date', 'createdDate'],
        ['extra_fields', 'json', 'extraFields']
    ]) }}
)

select
    *,
    (removed_at is not null) as is_deleted
from staged
