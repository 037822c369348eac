select
    c.customer_id,
    min(c.ordered_on) as first_order_on,
    count(*) as order_count,
    cast(sum(o.order_usd) as decimal(18, 2)) as lifetime_usd
from {{ ref('int_customer_orders') }} c
join {{ ref('fct_orders') }} o using (order_id)
group by 1
order by 1
