select
    payment_id,
    order_id,
    paid_on,
    currency,
    amount,
    pay_method
from {{ source('raw', 'payments') }}
