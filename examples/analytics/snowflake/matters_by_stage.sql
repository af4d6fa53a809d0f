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
--
-- Generated from duckdb/matters_by_stage.sql. Edit that file.
WITH today AS (
  SELECT
    CURRENT_DATE AS as_of
), running AS (
  SELECT
    today.as_of,
    COALESCE(stage_sets.name, '(no stage set)') AS stage_set,
    COALESCE(CAST(GET_PATH(stages.stage, 'name') AS VARCHAR), '(no stage)') AS stage,
    DATEDIFF(DAY, CAST(matters.openedDate AS DATE), today.as_of) AS age,
    DATEDIFF(DAY, CAST(stages.lastUpdatedAt AS DATE), today.as_of) AS in_stage
  FROM smokeball.matters AS matters
  CROSS JOIN today
  LEFT JOIN smokeball.matter_stages AS stages
    ON stages.matterId = matters.id
  LEFT JOIN smokeball.stage_sets AS stage_sets
    ON stage_sets.id = (
      CAST(GET_PATH(stages.stageSet, 'id') AS VARCHAR)
    )
  WHERE
    matters.status IN ('Open', 'Pending')
    AND NOT COALESCE(matters.isLead, FALSE)
    AND NOT COALESCE(matters.isMatterTemplate, FALSE)
)
SELECT
  as_of,
  stage_set,
  stage,
  COUNT(*) AS matters,
  SUM(CASE WHEN age <= 90 THEN 1 ELSE 0 END) AS up_to_90_days,
  SUM(CASE WHEN age BETWEEN 91 AND 180 THEN 1 ELSE 0 END) AS days_91_180,
  SUM(CASE WHEN age BETWEEN 181 AND 365 THEN 1 ELSE 0 END) AS days_181_365,
  SUM(CASE WHEN age > 365 THEN 1 ELSE 0 END) AS over_365_days,
  CAST(AVG(age) AS DECIMAL(18, 1)) AS average_age,
  CAST(AVG(in_stage) AS DECIMAL(18, 1)) AS average_in_stage
FROM running
GROUP BY
  as_of,
  stage_set,
  stage
ORDER BY
  stage_set,
  stage;
