{#
  The share of each debtor in an invoice. Smokeball does not say who owes how much: without the seed
  smokeball_debtor_shares, debtors owe equal parts. A row of the seed for an invoice precedes one for its matter.
  Debtors that the seed does not have share the rest equally. The shares of an invoice add up to 1.
#}
with seed as (
    select
        nullif(invoice_id, '') as invoice_id,
        nullif(matter_id, '') as matter_id,
        contact_id,
        max(share) as share
    from {{ ref('smokeball_debtor_shares') }}
    where share >= 0
    group by nullif(invoice_id, ''), nullif(matter_id, ''), contact_id
),

debtors as (
    select
        debtors.source_relation,
        debtors.invoice_id,
        debtors.debtor_number,
        debtors.contact_id,
        debtors.debtors,
        coalesce(of_invoice.share, of_matter.share) as given_share
    from {{ ref('stg_smokeball__invoice_debtors') }} as debtors
    left join {{ ref('stg_smokeball__invoices') }} as invoices
        on {{ smokeball.same('invoices', 'debtors', ['invoice_id']) }}
    left join seed as of_invoice
        on of_invoice.contact_id = debtors.contact_id and of_invoice.invoice_id = debtors.invoice_id
    left join seed as of_matter
        on of_matter.contact_id = debtors.contact_id and of_matter.matter_id = invoices.matter_id
        and of_matter.invoice_id is null
),

sums as (
    select
        *,
        sum(given_share) over (partition by source_relation, invoice_id) as given_total,
        count(given_share) over (partition by source_relation, invoice_id) as given_debtors
    from debtors
),

parts as (
    select
        *,
        case
            when coalesce(given_total, 0) = 0 and given_debtors in (0, debtors) then {{ smokeball.ratio('1', 'debtors', 6) }}
            when given_total > 1 or given_debtors = debtors then {{ smokeball.ratio('coalesce(given_share, 0)', 'given_total', 6) }}
            else coalesce(given_share, {{ smokeball.ratio('(1 - given_total)', '(debtors - given_debtors)', 6) }})
        end as part
    from sums
)

select
    source_relation,
    invoice_id,
    debtor_number,
    contact_id,
    debtors,
    {{ smokeball.decimal('part + case when debtor_number = 1
        then 1 - sum(part) over (partition by source_relation, invoice_id) else 0 end', 6) }} as share
from parts
