select
    o.customer_id,
    o.order_id,
    o.ordered_on,
    row_number() over (partition by o.customer_id order by o.ordered_on, o.order_id) as order_rank
from {{ ref('stg_orders') }} o
where o.order_status <> 'cancelled'
