select
    order_id,
    customer_id,
    ordered_on,
    sales_channel,
    ship_country,
    order_status,
    item_count
from {{ source('raw', 'orders') }}
