"""Names and phrases of the simulated firm."""

from __future__ import annotations


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _split(
    "Ada Amir Anika Beatriz Benjamin Bridget Callum Carmen Chidi Clara Dario Deborah Dmitri Elena "
    "Elias Esther Farah Felix Fiona Gareth Grace Hana Hector Imogen Ingrid Isaac Jasmine Joaquin "
    "Joyce Kenji Kirsten Lachlan Leila Lorenzo Mabel Marcus Mei Miriam Nadia Nathan Noor Olive "
    "Omar Patrick Priya Quentin Rosa Rufus Saoirse Silas Tamsin Theo Uma Victor Wanda Yusuf "
    "Zoë François Jürgen Łucja"
)
LAST_NAMES = _split(
    "Abbott Adeyemi Anderson Barnes Bianchi Brennan Castillo Chowdhury Clarke Cooper Costa Dalton "
    "Delaney Dubois Edwards Eriksen Farrow Fitzgerald Gallagher Garcia Goldberg Haddad Hargrave "
    "Hoffmann Ibrahim Ito Jankowski Jensen Kapoor Kowalski Lambert Lindqvist Lopez MacLeod Mbeki "
    "Mendoza Moreau Nakamura Nguyen Novak O'Brien Okafor Olsen Park Pemberton Petrov Quinn Ramirez "
    "Reid Rossi Schneider Shah Silva Tanaka Thornton Underwood Vasquez Walsh Whitlock Zhang"
)
TRADES = _split(
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
EXPENSE_WORK = (
    ("COP", "Photocopies", 15, "Soft", "E101"),
    ("PST", "Postage", 145, "Soft", "E108"),
    ("FEE", "Filing fee", 38_800, "Hard", "E112"),
    ("CNS", "Counsel's fee", 165_000, "Hard", "E123"),
    ("SRC", "Title search", 2_865, "Hard", "E106"),
    ("TRV", "Travel", 78, "Hard", "E110"),
)
MORE_MATTER_TYPES = (
    ("Conveyancing", "Off the plan purchase"),
    ("Conveyancing", "Transfer between family members"),
    ("Conveyancing", "Lease of a dwelling"),
    ("Family Law", "Property settlement"),
    ("Family Law", "Adoption"),
    ("Family Law", "Prenuptial agreement"),
    ("Estate Planning", "Power of attorney"),
    ("Estate Administration", "Letters of administration"),
    ("Estate Administration", "Contested estate"),
    ("Personal Injury", "Medical negligence"),
    ("Personal Injury", "Workers compensation"),
    ("Litigation", "Building dispute"),
    ("Litigation", "Defamation"),
    ("Business", "Sale of business"),
    ("Business", "Shareholders agreement"),
    ("Business", "Franchise"),
    ("Employment", "Contract review"),
    ("Employment", "Discrimination"),
    ("Criminal", "Assault"),
    ("Criminal", "Bail application"),
    ("Immigration", "Work visa"),
    ("Immigration", "Citizenship"),
)
LEAD_TYPES = (("Leads", "General enquiry"), ("Leads", "Web enquiry"))
SIDES = {
    "Conveyancing": ("Buyer", "Seller"),
    "Litigation": ("Plaintiff", "Defendant"),
    "Personal Injury": ("Plaintiff", "Defendant"),
    "Family Law": ("Petitioner", "Respondent"),
}
STAGES = {
    "Conveyancing": ("Contract", "Searches", "Exchange", "Settlement", "Registration"),
    "Family Law": ("Intake", "Disclosure", "Mediation", "Hearing", "Orders"),
    "Estate Administration": ("Intake", "Application", "Grant", "Distribution"),
    "Personal Injury": ("Intake", "Treatment", "Demand", "Negotiation", "Trial"),
    "Litigation": ("Pleadings", "Discovery", "Mediation", "Trial", "Enforcement"),
    "Estate Planning": ("Intake", "Drafting", "Review", "Signing"),
    "Business": ("Intake", "Drafting", "Negotiation", "Completion"),
    "Employment": ("Intake", "Conciliation", "Hearing", "Settlement"),
    "Criminal": ("Intake", "Disclosure", "Plea", "Trial", "Sentence"),
    "Immigration": ("Intake", "Documents", "Lodgement", "Decision"),
}
STAFF_ROLES = ("Attorney", "Paralegal", "Bookkeeper", "Principal", "Receptionist")
TITLES = ("Mr", "Mrs", "Ms", "Miss", "Dr")
OCCUPATIONS = ("Nurse", "Teacher", "Carpenter", "Engineer", "Chef", "Retired", "Student")
STREETS = (("Broad", "Street"), ("Mill", "Lane"), ("Station", "Road"), ("Park", "Avenue"))
PLACES = {
    "us": (("Springfield", "IL", "62701"), ("Albany", "NY", "12207"), ("Fresno", "CA", "93721")),
    "au": (("Newtown", "NSW", "2042"), ("Carlton", "VIC", "3053"), ("Ipswich", "QLD", "4305")),
    "uk": (("Reading", "Berkshire", "RG1 1AA"), ("Perth", "Perthshire", "PH1 5AA")),
}
COUNTRIES = {"us": "United States", "au": "Australia", "uk": "United Kingdom"}
TIME_ZONES = {"us": "America/Chicago", "au": "Australia/Sydney", "uk": "Europe/London"}
TASKS = (
    "Call the client",
    "Review draft contract",
    "Lodge documents with the court",
    "Order searches",
    "Prepare bundle of documents",
    "Send engagement letter",
    "Chase outstanding invoice",
)
SUBTASKS = ("Confirm address", "Check signatures", "Scan and file", "Diarise next date")
CATEGORIES = ("Court", "Client", "Accounts", "Urgent")
EVENTS = ("Hearing", "Conference with client", "Settlement", "Mediation", "Call", "Site visit")
ROOMS = ("Meeting room 1", "Court 4", "By telephone", "Client's office")
FILES = (
    "Engagement letter",
    "Draft agreement",
    "Court filing",
    "Invoice",
    "File note",
    "Exhibit A",
)
FOLDERS = ("Correspondence", "Court documents", "Evidence", "Property documents", "2026")
MEMOS = ("File note", "Call with client", "Settlement position", "To do before hearing")
LAYOUTS = ("Matter Details", "Property Details", "Court Details", "Vehicle and Accident")
FORMS = ("Client Intake Form", "Divorce Questionnaire", "New Enquiry", "Accident Report")
