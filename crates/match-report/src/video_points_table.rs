//! `scan --video-points`: where videos were, a row per point of their GPS tracks.

use crate::ReportError;
use crate::table::{Cell, Column, Kind, TableSink, column, send};
use capture_model::{LocalArchive, LocalTime, Metres, Video, VideoPoint};

/// Sends the points of all videos of an archive to any sink.
pub fn send_video_points(archive: &LocalArchive, sink: &mut dyn TableSink) -> Result<(), ReportError> {
    let rows = archive.videos.iter().flat_map(|video| {
        let points = video.points.iter().enumerate();
        points.map(move |(index, point)| PointRow { video, index, point })
    });
    send(&columns(), rows, sink)
}

/// One point of a video.
pub(crate) struct PointRow<'a> {
    video: &'a Video,
    index: usize,
    point: &'a VideoPoint,
}

/// These columns, in this order; those that photos have too are named alike.
pub(crate) fn columns<'a>() -> [Column<PointRow<'a>>; 8] {
    [
        column("path", Kind::Text, "The video, as its row of the scan names it", |row| Cell::text(&*row.video.path)),
        column("point_index", Kind::Whole, "Place of the point in the track, from 0", |row| {
            Cell::Whole(row.index as i64)
        }),
        column("offset_ms", Kind::Whole, "Milliseconds since the start of the video", |row| {
            Cell::Whole(row.point.offset_ms.round() as i64)
        }),
        column("captured_at", Kind::Time, "GPS time, where the track has it", |row| {
            Cell::of(row.point.gps_time, |time| Cell::Time(LocalTime::Absolute(time)))
        }),
        column("longitude", Kind::Coordinate, "Place", |row| Cell::Number(row.point.position.lon())),
        column("latitude", Kind::Coordinate, "Place", |row| Cell::Number(row.point.position.lat())),
        column("altitude_m", Kind::Altitude, "Altitude", |row| {
            Cell::of(row.point.altitude, |Metres(altitude_m)| Cell::Number(altitude_m))
        }),
        column("heading_deg", Kind::Angle, "Heading, 0…360 from north", |row| {
            Cell::of(row.point.heading_deg, Cell::Number)
        }),
    ]
}
