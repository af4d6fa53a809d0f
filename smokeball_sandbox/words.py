"""Names and phrases the simulated firm is made of."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Ada Amir Anika Beatriz Benjamin Bridget Callum Carmen Chidi Clara Dario Deborah Dmitri Elena "
    "Elias Esther Farah Felix Fiona Gareth Grace Hana Hector Imogen Ingrid Isaac Jasmine Joaquin "
    "Joyce Kenji Kirsten Lachlan Leila Lorenzo Mabel Marcus Mei Miriam Nadia Nathan Noor Olive "
    "Omar Patrick Priya Quentin Rosa Rufus Saoirse Silas Tamsin Theo Uma Victor Wanda Yusuf "
    "Zoë François Jürgen Łucja"
)
LAST_NAMES = _words(
    "Abbott Adeyemi Anderson Barnes Bianchi Brennan Castillo Chowdhury Clarke Cooper Costa Dalton "
    "Delaney Dubois Edwards Eriksen Farrow Fitzgerald Gallagher Garcia Goldberg Haddad Hargrave "
    "Hoffmann Ibrahim Ito Jankowski Jensen Kapoor Kowalski Lambert Lindqvist Lopez MacLeod Mbeki "
    "Mendoza Moreau Nakamura Nguyen Novak O'Brien Okafor Olsen Park Pemberton Petrov Quinn Ramirez "
    "Reid Rossi Schneider Shah Silva Tanaka Thornton Underwood Vasquez Walsh Whitlock Zhang"
)
TRADES = _words(
    "Bakery Brewing Builders Dental Developments Electrical Foods Freight Gallery Holdings "
    "Hospitality Interiors Joinery Logistics Motors Nursery Orchards Packaging Plumbing Properties "
    "Roofing Software Textiles Timber Veterinary Vineyards"
)
COMPANY_FORMS = {
    "us": ("LLC", "Inc.", "Corp."),
    "au": ("Pty Ltd",),
    "uk": ("Ltd", "LLP"),
}
LOCATIONS = {
    "us": ("IL", "NY", "CA", "TX"),
    "au": ("NSW", "VIC", "QLD"),
    "uk": ("ENG", "SCT"),
}
MATTER_TYPES = (
    ("Conveyancing", "Purchase"),
    ("Conveyancing", "Sale"),
    ("Conveyancing", "Refinance"),
    ("Family Law", "Divorce"),
    ("Family Law", "Custody"),
    ("Estate Planning", "Will and Trust"),
    ("Estate Administration", "Probate"),
    ("Personal Injury", "Motor Vehicle"),
    ("Personal Injury", "Premises Liability"),
    ("Litigation", "Contract Dispute"),
    ("Litigation", "Debt Recovery"),
    ("Business", "Formation"),
    ("Business", "Commercial Lease"),
    ("Employment", "Unfair Dismissal"),
    ("Criminal", "Traffic"),
    ("Immigration", "Family Visa"),
)
REFERRAL_TYPES = ("Existing client", "Website", "Word of mouth", "Another firm", "Advertisement")
LEAD_CLOSE_REASONS = ("No longer interested", "Conflict of interest", "Chose another firm")
BRANCHES = ("Main office", "Riverside office")
TAGS = (
    ("Urgent", "Red"),
    ("Awaiting client", "Light Blue"),
    ("VIP", "Purple"),
    ("Fixed fee", "Green"),
    ("Legal aid", "Brown"),
)
FEE_WORK = (
    ("PRT", "Prepare correspondence", "Letter to {other} about the matter of {client}"),
    ("TEL", "Telephone attendance", "Call with {client}, advice on next steps"),
    ("TEL", "Call with other side", "Call with the representatives of {other}"),
    ("REV", "Review documents", "Read and annotated documents received from {other}"),
    ("RES", "Legal research", "Research of authorities, note to file"),
    ("DRA", "Draft agreement", 'Draft and settle agreement ("final" version)'),
    ("CRT", "Court attendance", "Attend hearing; wait, mention and report to {client}"),
    ("MTG", "Meeting with client", "Conference with {client} at the office"),
    ("EML", "Email to client", "Email to {client} — summary of advice"),
    ("FIL", "File lodgement", "Prepare and lodge documents\r\nConfirm receipt"),
)
UTBMS_TASKS = ("L110", "L120", "L160", "L210", "L330", "L440")
