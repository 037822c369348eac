select
    plan_date,
    ship_country,
    target_usd
from {{ source('raw', 'planning_sheet') }}
