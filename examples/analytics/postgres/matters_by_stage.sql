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
--
-- Translated from duckdb/matters_by_stage.sql: changes belong there.
WITH today AS (
  SELECT
    CURRENT_DATE AS as_of
), running AS (
  SELECT
    today.as_of,
    COALESCE(stage_sets.name, '(no stage set)') AS stage_set,
    COALESCE(stages.stage ->> 'name', '(no stage)') AS stage,
    (
      CAST(today.as_of AS DATE) - CAST(matters."openedDate" AS DATE)
    ) AS age,
    (
      CAST(today.as_of AS DATE) - CAST(stages."lastUpdatedAt" AS DATE)
    ) AS in_stage
  FROM smokeball.matters AS matters
  CROSS JOIN today
  LEFT JOIN smokeball.matter_stages AS stages
    ON stages."matterId" = matters.id
  LEFT JOIN smokeball.stage_sets AS stage_sets
    ON stage_sets.id = (
      stages."stageSet" ->> 'id'
    )
  WHERE
    matters.status IN ('Open', 'Pending') AND NOT COALESCE(matters."isLead", FALSE)
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
