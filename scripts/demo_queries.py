"""The questions of the demo's report, asked of the marts of the dbt package."""

from __future__ import annotations

from scripts.demo_formatting import AGE_CLASSES, DAYS_OVERDUE

_OVERDUE = ", ".join(
    f"sum(case when age_range = '{name}' then owed_amount else 0 end) as {name}"
    for name in DAYS_OVERDUE
)
_AGES = ", ".join(
    f"count(case when age_days {limits} then 1 end) as {name}"
    for name, limits in zip(
        AGE_CLASSES,
        ("<= 90", "between 91 and 180", "between 181 and 365", "> 365"),
        strict=True,
    )
)

QUERIES = {
    "firm": "select name from analytics.stg_smokeball__firm",
    "work_in_progress": """
        select matter_id, any_value(matter_number) as number, any_value(title) as title,
            any_value(matter_status) as status, any_value(person_responsible) as responsible,
            bool_or(is_active) as is_active, sum(hours) as hours, sum(fees) as fees,
            sum(disbursements) as expenses, sum(total) as total, min(oldest_date) as oldest
        from analytics.smokeball__wip_ageing
        where total <> 0
        group by matter_id
        order by total desc, matter_id
    """,
    "receivables_by_age": f"""
        select matter_id, any_value(matter_number) as number, any_value(title) as title,
            {_OVERDUE}, sum(owed_amount) as total
        from analytics.smokeball__ar_ageing
        group by matter_id
        order by total desc, matter_id
    """,  # noqa: S608
    "realization_and_collection": """
        select month, invoices, recorded_fee_amount + written_off_unbilled_amount as recorded,
            net_fee_amount as billed, 100 * realization as realization,
            mature_payable_amount as due, mature_collected_amount as paid,
            100 * collection_rate as collection, cash_amount as cash
        from analytics.smokeball__billing_monthly
        where month is null or month <= current_date
        order by month
    """,
    "hours_against_target": """
        select month, staff_id, staff_name as name, hours, billable_hours, target_hours,
            utilization
        from analytics.smokeball__timekeeper_monthly
        where is_fee_earner and not is_former
        order by month, name
    """,
    "trust_balances": """
        select matter_id, matter_number as number, title, matter_status as status,
            protected_balance as protected, available_balance as available, balance
        from analytics.smokeball__trust_balances
        where account_type in ('Trust', 'ControlledMoney') and balance <> 0
        order by is_overdrawn desc, balance desc, matter_id
    """,
    "trust_exceptions": """
        select exception_type, count(*) as found, sum(amount) as amount
        from analytics.smokeball__trust_exceptions
        where priority <= 3
        group by priority, exception_type
        order by priority, exception_type
    """,
    "trust_reconciliation": """
        select bank_account_id, matter_id, difference, unknown_movements as unknown
        from analytics.smokeball__trust_balances
    """,
    "matters_by_stage": f"""
        select max(current_date) as as_of, coalesce(stage_set, '(no stage set)') as stage_set,
            coalesce(stage, '(no stage)') as stage, count(*) as matters, {_AGES},
            avg(age_days) as average_age
        from analytics.smokeball__matters
        where is_active
        group by coalesce(stage_set, '(no stage set)'), coalesce(stage, '(no stage)')
        order by stage_set, stage
    """,  # noqa: S608
    "lead_conversion": """
        select month, sum(leads) as leads, sum(converted) as converted, sum(lost) as lost,
            sum(still_open) as still_open, max(conversion_rate) as conversion
        from analytics.smokeball__lead_funnel
        group by month
        order by month
    """,
}
