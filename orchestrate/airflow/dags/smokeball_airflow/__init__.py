"""Load law firms' data with Meltano, one Airflow task per firm."""
