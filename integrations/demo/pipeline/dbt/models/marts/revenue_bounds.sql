-- Bootstrap bounds of the average order: 200 resamples of the most recent orders, drawn by hash so that a rerun agrees.
with recent as (
    select order_id, order_usd
    from {{ ref('fct_orders') }}
    order by ordered_on desc, order_id desc
    limit 5000
),

draws as (
    select s.sample_no, hash(r.order_id, s.sample_no) as pick, r.order_usd
    from recent r
    cross join range(1, 201) s(sample_no)
),

resampled as (
    select sample_no, list(order_usd order by pick, order_usd)[:2500] as picked
    from draws
    group by 1
),

averages as (
    select sample_no, list_sum(picked) / len(picked) as average_usd from resampled
)

select
    cast(quantile_disc(average_usd, 0.05) as decimal(18, 2)) as lower_usd,
    cast(quantile_disc(average_usd, 0.5) as decimal(18, 2)) as middle_usd,
    cast(quantile_disc(average_usd, 0.95) as decimal(18, 2)) as upper_usd
from averages
