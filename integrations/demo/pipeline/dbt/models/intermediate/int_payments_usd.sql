-- The latest rate on or before the day of payment. US dollars have no rate of their own.
select
    p.payment_id,
    p.order_id,
    p.paid_on,
    p.currency,
    p.pay_method,
    cast(p.amount * coalesce(r.usd_rate, 1) as decimal(18, 4)) as paid_usd
from {{ ref('stg_payments') }} p
asof left join {{ ref('stg_rates') }} r
    on p.currency = r.currency and p.paid_on >= r.rate_date
