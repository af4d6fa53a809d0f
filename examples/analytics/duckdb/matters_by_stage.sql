-- Matters by stage and age: active matters in each stage, and the time since they were opened.
--
-- Active matters have the status Open or Pending, and are neither leads nor templates. The age is the
-- number of days since the matter was opened; a matter without an opening date is in no age group.
-- Matters without a stage, or with an unknown stage set, are shown as such. One row per stage.
--
-- as_of: reference date for ages: the current date of the database
-- stage_set: name of the stage set
-- stage: name of the stage
-- matters: number of matters in the stage
-- up_to_90_days: matters opened in the last 90 days
-- days_91_180: matters opened 91 to 180 days ago
-- days_181_365: matters opened 181 to 365 days ago
-- over_365_days: matters opened more than 365 days ago
-- average_age: average age in days
-- average_in_stage: average number of days since the stage was entered or last changed
with today as (
    select current_date as as_of
),
running as (
    select
        today.as_of,
        coalesce(stage_sets.name, '(no stage set)') as stage_set,
        coalesce(stages.stage ->> '$.name', '(no stage)') as stage,
        date_diff('day', cast(matters.openedDate as date), today.as_of) as age,
        date_diff('day', cast(stages.lastUpdatedAt as date), today.as_of) as in_stage
    from smokeball.matters as matters
    cross join today
    left join smokeball.matter_stages as stages on stages.matterId = matters.id
    left join smokeball.stage_sets as stage_sets
        on stage_sets.id = (stages.stageSet ->> '$.id')
    where matters.status in ('Open', 'Pending')
        and not coalesce(matters.isLead, false)
        and not coalesce(matters.isMatterTemplate, false)
)
select
    as_of,
    stage_set,
    stage,
    count(*) as matters,
    sum(case when age <= 90 then 1 else 0 end) as up_to_90_days,
    sum(case when age between 91 and 180 then 1 else 0 end) as days_91_180,
    sum(case when age between 181 and 365 then 1 else 0 end) as days_181_365,
    sum(case when age > 365 then 1 else 0 end) as over_365_days,
    cast(avg(age) as decimal(18, 1)) as average_age,
    cast(avg(in_stage) as decimal(18, 1)) as average_in_stage
from running
group by as_of, stage_set, stage
order by stage_set, stage
