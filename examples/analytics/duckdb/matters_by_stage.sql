-- Matters by stage and age: how far the running matters are, and how long they have been open.
--
-- Running are those with the status Open or Pending that are not leads. The age runs from the day of
-- opening; a matter without one is in no age group. A matter without a stage, or whose stage set is
-- not known, is shown as such. One row for each stage that a matter is in.
--
-- as_of: the day that ages are counted to: today, by the database's clock
-- stage_set: name of the stage set
-- stage: name of the stage
-- matters: how many matters are in it
-- up_to_90_days: those opened in the last 90 days
-- days_91_180: those opened 91 to 180 days ago
-- days_181_365: those opened 181 to 365 days ago
-- over_365_days: those opened more than 365 days ago
-- average_age: average age in days
-- average_in_stage: average of the days since the stage was entered, or last changed
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
