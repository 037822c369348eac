select
    ordered_on as revenue_date,
    ship_country,
    count(*) as order_count,
    cast(sum(order_usd) as decimal(18, 2)) as gross_usd
from {{ ref('fct_orders') }}
where order_status <> 'cancelled'
group by 1, 2
order by 1, 2
