select
    refund_id,
    payment_id,
    refunded_on,
    refund_amount,
    refund_reason
from {{ source('raw', 'refunds') }}
