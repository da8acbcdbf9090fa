//! What photos say, as columns: what no photo of an archive says takes no memory.

use crate::{
    CapturedAt, Column, DeviceIndex, LocalTime, Metres, Observation, Position, RowOrder, Shared, TimeSource, WallClock,
};

/// Stands for a missing time; no calendar reaches it.
const NO_TIME: i64 = i64::MIN;

/// A column of [`Observation`] each. What is missing is a number that none can be (not a number, the first of all times), and
/// never leaves this type but by [`Self::times_ms`].
#[derive(Debug, Clone)]
pub struct Observations {
    pub(crate) longitude: Shared<f64>,
    pub(crate) latitude: Shared<f64>,
    pub(crate) altitude_m: Column<f64>,
    pub(crate) heading_deg: Column<f64>,
    pub(crate) time_ms: Shared<i64>,
    time_is_absolute: Column<bool>,
    time_source: Column<TimeSource>,
    time_resolution_ms: Column<u16>,
    gps_time_ms: Column<i64>,
    camera_time_ms: Column<i64>,
    camera_is_absolute: Column<bool>,
    device: Column<DeviceIndex>,
    /// 0 is none.
    orientation: Column<u8>,
}

/// What rows of a table say that tells no more, as columns of one length; a column that it lacks is empty.
#[derive(Debug, Clone, Default)]
pub struct TableObservations {
    /// Longitude, degrees; valid, as is the latitude.
    pub longitude: Vec<f64>,
    /// Latitude, degrees.
    pub latitude: Vec<f64>,
    /// See [`Observation::altitude`]; not a number where unknown.
    pub altitude_m: Vec<f64>,
    /// See [`Observation::heading_deg`]; not a number where unknown.
    pub heading_deg: Vec<f64>,
    /// UTC in ms since the epoch; [`Observations::NO_TIME`] where unknown.
    pub time_ms: Vec<i64>,
}

impl TableObservations {
    /// Forgets all rows, and keeps their memory.
    pub fn clear(&mut self) {
        let Self { longitude, latitude, altitude_m, heading_deg, time_ms } = self;
        [longitude, latitude, altitude_m, heading_deg].into_iter().for_each(Vec::clear);
        time_ms.clear();
    }
}

/// None; columns begin with the value of which tables of others' making hold nothing else.
impl Default for Observations {
    fn default() -> Self {
        Self {
            longitude: Shared::default(),
            latitude: Shared::default(),
            altitude_m: Column::same(f64::NAN, 0),
            heading_deg: Column::same(f64::NAN, 0),
            time_ms: Shared::default(),
            time_is_absolute: Column::same(true, 0),
            time_source: Column::same(TimeSource::Table, 0),
            time_resolution_ms: Column::same(1, 0),
            gps_time_ms: Column::same(NO_TIME, 0),
            camera_time_ms: Column::same(NO_TIME, 0),
            camera_is_absolute: Column::same(true, 0),
            device: Column::same(0, 0),
            orientation: Column::same(0, 0),
        }
    }
}

impl Observations {
    /// Stands for a missing time in columns.
    pub const NO_TIME: i64 = NO_TIME;

    /// How many.
    pub fn len(&self) -> usize {
        self.longitude.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.longitude.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, seen: &Observation) {
        let ms = |time: Option<LocalTime>| time.map_or(NO_TIME, LocalTime::ms);
        // of a time that is missing, what all others are
        let is_absolute = |time: Option<LocalTime>| !matches!(time, Some(LocalTime::Wall(_)));
        let (longitude, latitude) = degrees(seen.position);
        self.longitude.push(longitude);
        self.latitude.push(latitude);
        self.altitude_m.push(seen.altitude.map_or(f64::NAN, |altitude| altitude.0));
        self.heading_deg.push(seen.heading_deg.unwrap_or(f64::NAN));
        self.time_ms.push(ms(seen.time));
        self.time_is_absolute.push(is_absolute(seen.time));
        self.time_source.push(seen.time_source);
        self.time_resolution_ms.push(seen.time_resolution_ms);
        self.gps_time_ms.push(seen.gps_time.map_or(NO_TIME, CapturedAt::epoch_ms));
        self.camera_time_ms.push(ms(seen.camera_time));
        self.camera_is_absolute.push(is_absolute(seen.camera_time));
        self.device.push(seen.device);
        self.orientation.push(kept_orientation(seen));
    }

    /// Adds rows of a table; their device is the unknown one.
    pub fn push_table(&mut self, read: &TableObservations, n_rows: usize) {
        self.longitude.extend_from_slice(&read.longitude);
        self.latitude.extend_from_slice(&read.latitude);
        self.altitude_m.extend_or(&read.altitude_m, f64::NAN, n_rows);
        self.heading_deg.extend_or(&read.heading_deg, f64::NAN, n_rows);
        if read.time_ms.is_empty() {
            self.time_ms.extend(std::iter::repeat_n(NO_TIME, n_rows));
        } else {
            self.time_ms.extend_from_slice(&read.time_ms);
        }
        if read.time_ms.len() == n_rows && !read.time_ms.contains(&NO_TIME) {
            self.time_source.extend_with(TimeSource::Table, n_rows);
            self.time_resolution_ms.extend_with(1, n_rows);
        } else {
            for row in 0..n_rows {
                let has_time = read.time_ms.get(row).is_some_and(|&ms| ms != NO_TIME);
                self.time_source.push(if has_time { TimeSource::Table } else { TimeSource::None });
                self.time_resolution_ms.push(u16::from(has_time));
            }
        }
        self.time_is_absolute.extend_with(true, n_rows);
        self.gps_time_ms.extend_with(NO_TIME, n_rows);
        self.camera_time_ms.extend_with(NO_TIME, n_rows);
        self.camera_is_absolute.extend_with(true, n_rows);
        self.device.extend_with(0, n_rows);
        self.orientation.extend_with(0, n_rows);
    }

    /// Puts another into a row.
    pub fn set(&mut self, row: usize, seen: &Observation) {
        let mut one = Self::default();
        one.push(seen);
        let put = |to: &mut Column<f64>, from: &Column<f64>| {
            if to[row].to_bits() != from[0].to_bits() {
                to[row] = from[0];
            }
        };
        (self.longitude[row], self.latitude[row], self.time_ms[row]) =
            (one.longitude[0], one.latitude[0], one.time_ms[0]);
        put(&mut self.altitude_m, &one.altitude_m);
        put(&mut self.heading_deg, &one.heading_deg);
        self.time_is_absolute.set(row, one.time_is_absolute[0]);
        self.time_source.set(row, one.time_source[0]);
        self.time_resolution_ms.set(row, one.time_resolution_ms[0]);
        self.gps_time_ms.set(row, one.gps_time_ms[0]);
        self.camera_time_ms.set(row, one.camera_time_ms[0]);
        self.camera_is_absolute.set(row, one.camera_is_absolute[0]);
        self.device.set(row, one.device[0]);
        self.orientation.set(row, one.orientation[0]);
    }

    /// The columns of floats, and those of times that are rarely known.
    fn each(&mut self, floats: impl Fn(&mut Column<f64>), times: impl Fn(&mut Column<i64>)) {
        [&mut self.altitude_m, &mut self.heading_deg].into_iter().for_each(floats);
        [&mut self.gps_time_ms, &mut self.camera_time_ms].into_iter().for_each(times);
    }

    /// Adds all of another list, which is empty then.
    pub fn append(&mut self, other: &mut Self) {
        self.longitude.append(&mut other.longitude);
        self.latitude.append(&mut other.latitude);
        self.altitude_m.append(&mut other.altitude_m);
        self.heading_deg.append(&mut other.heading_deg);
        self.time_ms.append(&mut other.time_ms);
        self.time_is_absolute.append(&mut other.time_is_absolute);
        self.time_source.append(&mut other.time_source);
        self.time_resolution_ms.append(&mut other.time_resolution_ms);
        self.gps_time_ms.append(&mut other.gps_time_ms);
        self.camera_time_ms.append(&mut other.camera_time_ms);
        self.camera_is_absolute.append(&mut other.camera_is_absolute);
        self.device.append(&mut other.device);
        self.orientation.append(&mut other.orientation);
    }

    /// Makes room for so many rows more, if there is any.
    pub fn expect(&mut self, n_rows: usize) {
        for column in [&mut self.longitude, &mut self.latitude] {
            let _ = column.try_reserve(n_rows); // without it the rows grow as they must
        }
        let _ = self.time_ms.try_reserve(n_rows);
        self.each(|column| column.expect(n_rows), |column| column.expect(n_rows));
        self.time_resolution_ms.expect(n_rows);
        self.device.expect(n_rows);
    }

    /// Brings all into another order; one column at a time may lie in memory twice.
    pub fn permute(&mut self, order: &RowOrder<'_>) {
        order.apply(&mut self.longitude);
        order.apply(&mut self.latitude);
        order.apply(&mut self.time_ms);
        self.each(|column| column.permute(order), |column| column.permute(order));
        self.time_is_absolute.permute(order);
        self.time_source.permute(order);
        self.time_resolution_ms.permute(order);
        self.camera_is_absolute.permute(order);
        self.device.permute(order);
        self.orientation.permute(order);
    }

    /// All of one.
    pub fn get(&self, row: usize) -> Observation {
        Observation {
            position: self.position(row),
            altitude: self.altitude(row),
            heading_deg: self.heading_deg(row),
            time: self.time(row),
            time_source: self.time_source(row),
            time_resolution_ms: self.time_resolution_ms(row),
            gps_time: self.gps_time(row),
            camera_time: self.camera_time(row),
            device: self.device(row),
            orientation: self.orientation(row),
        }
    }

    /// See [`Observation::position`].
    #[inline]
    pub fn position(&self, row: usize) -> Option<Position> {
        Position::from_lon_lat(self.longitude[row], self.latitude[row]).ok()
    }

    /// Longitudes and latitudes of all; not a number where there is no place.
    pub fn degrees(&self) -> (&[f64], &[f64]) {
        (&self.longitude, &self.latitude)
    }

    /// See [`Observation::altitude`].
    #[inline]
    pub fn altitude(&self, row: usize) -> Option<Metres> {
        Some(self.altitude_m[row]).filter(|metres| !metres.is_nan()).map(Metres)
    }

    /// See [`Observation::heading_deg`].
    #[inline]
    pub fn heading_deg(&self, row: usize) -> Option<f64> {
        Some(self.heading_deg[row]).filter(|degrees| !degrees.is_nan())
    }

    /// See [`Observation::time`].
    #[inline]
    pub fn time(&self, row: usize) -> Option<LocalTime> {
        self.on_its_clock(row, self.time_ms[row])
    }

    /// A time on the clock of [`Self::time`]; `None` for [`Self::NO_TIME`].
    #[inline]
    pub fn on_its_clock(&self, row: usize, ms: i64) -> Option<LocalTime> {
        (ms != NO_TIME).then(|| local_time(ms, self.time_is_absolute[row]))
    }

    /// Whether it is known without a look at each that all times are on clocks of one kind.
    pub fn is_on_one_clock(&self) -> bool {
        self.time_is_absolute.only().is_some()
    }

    /// The times of all on their own clocks; [`Self::NO_TIME`] where unknown.
    pub fn times_ms(&self) -> &Shared<i64> {
        &self.time_ms
    }

    /// See [`Observation::time_source`].
    #[inline]
    pub fn time_source(&self, row: usize) -> TimeSource {
        self.time_source[row]
    }

    /// See [`Observation::time_resolution_ms`].
    #[inline]
    pub fn time_resolution_ms(&self, row: usize) -> u16 {
        self.time_resolution_ms[row]
    }

    /// Says that the times of rows are no finer than a step.
    pub fn coarsen_times(&mut self, rows: impl Iterator<Item = usize>, step_ms: u16) {
        let steps = self.time_resolution_ms.each();
        for row in rows {
            if self.time_ms[row] != NO_TIME {
                steps[row] = steps[row].max(step_ms);
            }
        }
    }

    /// See [`Observation::gps_time`].
    #[inline]
    pub fn gps_time(&self, row: usize) -> Option<CapturedAt> {
        Some(self.gps_time_ms[row]).filter(|&ms| ms != NO_TIME).map(CapturedAt::from_epoch_ms)
    }

    /// See [`Observation::camera_time`].
    #[inline]
    pub fn camera_time(&self, row: usize) -> Option<LocalTime> {
        let ms = self.camera_time_ms[row];
        (ms != NO_TIME).then(|| local_time(ms, self.camera_is_absolute[row]))
    }

    /// Whether no row has a camera time.
    pub(crate) fn has_no_camera_time(&self) -> bool {
        self.camera_time_ms.only() == Some(NO_TIME)
    }

    /// See [`Observation::device`].
    #[inline]
    pub fn device(&self, row: usize) -> DeviceIndex {
        self.device[row]
    }

    /// The devices of all rows.
    pub fn devices(&self) -> &Column<DeviceIndex> {
        &self.device
    }

    /// Gives devices other numbers.
    pub fn renumber_devices(&mut self, number: impl Fn(DeviceIndex) -> DeviceIndex) {
        self.device.change(number);
    }

    /// See [`Observation::orientation`].
    #[inline]
    pub fn orientation(&self, row: usize) -> Option<u8> {
        Some(self.orientation[row]).filter(|&orientation| orientation > 0)
    }

    /// Leaves out the rows for which it is said.
    pub fn leave_out(&mut self, is_out: &[bool]) {
        let kept: Vec<u32> = (0_u32..).zip(is_out).filter(|(_, is_out)| !**is_out).map(|(row, _)| row).collect();
        self.permute(&RowOrder::new(&kept, self.len()));
    }
}

/// Longitude and latitude; not a number where there is no place.
fn degrees(position: Option<Position>) -> (f64, f64) {
    position.map_or((f64::NAN, f64::NAN), |place| (place.lon(), place.lat()))
}

fn kept_orientation(seen: &Observation) -> u8 {
    seen.orientation.filter(|orientation| *orientation <= 8).unwrap_or(0)
}

#[inline]
fn local_time(ms: i64, is_absolute: bool) -> LocalTime {
    if is_absolute {
        LocalTime::Absolute(CapturedAt::from_epoch_ms(ms))
    } else {
        LocalTime::Wall(WallClock::from_ms_as_if_utc(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_kept_as_it_is() {
        let utc = |ms| LocalTime::Absolute(CapturedAt::from_epoch_ms(ms));
        let wall = |ms| LocalTime::Wall(WallClock::from_ms_as_if_utc(ms));
        let full = Observation {
            position: Position::from_lon_lat(-0.0, 90.0).ok(),
            altitude: Some(Metres(-3.983)),
            heading_deg: Some(0.0),
            time: Some(utc(-1)),
            time_source: TimeSource::Gps,
            time_resolution_ms: 1000,
            gps_time: Some(CapturedAt::from_epoch_ms(0)),
            camera_time: Some(wall(1_630_145_202_250)),
            device: u32::MAX,
            orientation: Some(8),
        };
        let other_way = Observation { time: Some(wall(0)), camera_time: Some(utc(5)), ..full.clone() };
        let zero = |altitude| Observation { altitude: Some(Metres(altitude)), ..Observation::default() };
        let all = [Observation::default(), full.clone(), other_way, zero(0.0), zero(-0.0), Observation::default()];
        let told = |kept: &Observations| (0..kept.len()).map(|row| format!("{:?}", kept.get(row))).collect::<Vec<_>>();
        let expected: Vec<String> = all.iter().map(|seen| format!("{seen:?}")).collect();
        let mut kept = Observations::default();
        let mut parts = [Observations::default(), Observations::default()];
        for (k, seen) in all.iter().enumerate() {
            kept.push(seen);
            parts[usize::from(k >= 3)].push(seen);
        }
        assert_eq!(told(&kept), expected);
        let [mut first, mut second] = parts;
        first.append(&mut second);
        assert_eq!((told(&first), second.len()), (expected.clone(), 0));
        let order = [5, 4, 3, 2, 1, 0];
        first.permute(&RowOrder::new(&order, 6));
        order.iter().enumerate().for_each(|(row, &from)| kept.set(row, &all[from as usize]));
        assert_eq!(told(&first), told(&kept));
        assert!(told(&kept).iter().rev().eq(&expected));
        kept.leave_out(&[true, false, true, true, true, true]);
        assert_eq!(told(&kept), expected[4..5]);
    }
}
