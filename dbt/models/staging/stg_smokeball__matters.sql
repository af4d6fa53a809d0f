-- Generated from the catalog by `make docs`.
with staged as (
    {{ smokeball.stage('matters', ['id'], [
        ['matter_id', 'text', 'id'],
        ['external_system_id', 'text', 'externalSystemId'],
        ['version_id', 'text', 'versionId'],
        ['last_updated_at', 'time', 'lastUpdatedAt'],
        ['number', 'text', 'number'],
        ['title', 'text', 'title'],
        ['matter_type_id', 'text', 'matterType.id'],
        ['clients', 'json', 'clients'],
        ['other_sides', 'json', 'otherSides'],
        ['description', 'text', 'description'],
        ['status', 'text', 'status'],
        ['person_responsible_id', 'text', 'personResponsible.id'],
        ['person_assisting_id', 'text', 'personAssisting.id'],
        ['person_assisting_staffs', 'json', 'personAssistingStaffs'],
        ['originating_staff_id', 'text', 'originatingStaff.id'],
        ['originating_staffs', 'json', 'originatingStaffs'],
        ['split_originating_staff_settings', 'json', 'splitOriginatingStaffSettings'],
        ['supervisor_id', 'text', 'supervisor.id'],
        ['client_code', 'text', 'clientCode'],
        ['opened_at', 'time', 'openedDate'],
        ['opened_date', 'local_date', 'openedDate'],
        ['closed_at', 'time', 'closedDate'],
        ['closed_date', 'local_date', 'closedDate'],
        ['lead_opened_at', 'time', 'leadOpenedDate'],
        ['lead_opened_date', 'local_date', 'leadOpenedDate'],
        ['lead_closed_at', 'time', 'leadClosedDate'],
        ['lead_closed_date', 'local_date', 'leadClosedDate'],
        ['lead_closed_reason', 'text', 'leadClosedReason'],
        ['is_lead', 'boolean', 'isLead'],
        ['is_matter_template', 'boolean', 'isMatterTemplate'],
        ['branch_id', 'text', 'branch.id'],
        ['branch_provider_id', 'text', 'branchProviderId'],
        ['referral_type', 'text', 'referralType'],
        ['referrer_id', 'text', 'referrer.id'],
        ['referral_agreement_fee_type', 'text', 'referralAgreementFeeType'],
        ['referral_agreement_fee', 'money', 'referralAgreementFee'],
        ['referral_agreement_fee_comment', 'text', 'referralAgreementFeeComment'],
        ['items', 'json', 'items'],
        ['tags', 'json', 'tags'],
        ['extra_fields', 'json', 'extraFields'],
        ['is_template', 'boolean', 'isMatterTemplate', 'extraFields.isMatterTemplate']
    ]) }}
)

select
    *,
    (coalesce(status, '') = 'Deleted' or removed_at is not null) as is_deleted
from staged
