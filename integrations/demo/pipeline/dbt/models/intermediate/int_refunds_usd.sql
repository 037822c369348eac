select
    f.refund_id,
    f.refunded_on,
    f.refund_reason,
    p.order_id,
    cast(f.refund_amount * coalesce(r.usd_rate, 1) as decimal(18, 4)) as refund_usd
from {{ ref('stg_refunds') }} f
join {{ ref('stg_payments') }} p using (payment_id)
asof left join {{ ref('stg_rates') }} r
    on p.currency = r.currency and f.refunded_on >= r.rate_date
