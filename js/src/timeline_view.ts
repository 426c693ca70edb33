import "./theme.css"; import "./timeline.css"; export default {};
