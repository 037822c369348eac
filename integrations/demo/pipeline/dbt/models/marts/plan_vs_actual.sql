select
    p.plan_date,
    p.ship_country,
    p.target_usd,
    coalesce(r.gross_usd, 0) as actual_usd
from {{ ref('stg_planning') }} p
left join {{ ref('revenue_by_country') }} r
    on r.revenue_date = p.plan_date and r.ship_country = p.ship_country
order by 1, 2
