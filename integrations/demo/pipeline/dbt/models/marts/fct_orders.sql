select
    o.order_id,
    o.customer_id,
    o.ordered_on,
    o.sales_channel,
    o.ship_country,
    o.order_status,
    coalesce(sum(p.paid_usd), 0) as order_usd
from {{ ref('stg_orders') }} o
left join {{ ref('int_payments_usd') }} p using (order_id)
group by all
order by o.order_id
